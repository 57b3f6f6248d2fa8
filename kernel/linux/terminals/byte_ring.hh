// A queue of bytes with a fixed size. Not synchronised.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace plumbline::linux_abi {

template <std::size_t kSize>
class ByteRing {
  static_assert((kSize & (kSize - 1)) == 0, "positions are cut by a mask");

 public:
  std::size_t used() const { return end_ - begin_; }
  std::size_t room() const { return kSize - used(); }
  void clear() { begin_ = end_; }
  // False: full, the byte is not taken.
  bool push(std::uint8_t byte) {
    if (room() == 0) return false;
    bytes_[end_++ & (kSize - 1)] = byte;
    return true;
  }
  // The ring is not empty.
  std::uint8_t front() const { return bytes_[begin_ & (kSize - 1)]; }
  std::uint8_t pop() { return bytes_[begin_++ & (kSize - 1)]; }
  std::size_t take(std::span<std::uint8_t> to) {
    const std::size_t length = std::min(to.size(), used());
    for (std::size_t i = 0; i < length; ++i) to[i] = pop();
    return length;
  }

 private:
  std::array<std::uint8_t, kSize> bytes_;
  std::size_t begin_ = 0, end_ = 0;  // grow for ever
};

}  // namespace plumbline::linux_abi
