// Where a read puts its bytes, or a write takes them from: the segments of a program's readv or
// writev, walked through once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "memory/application_memory.hh"

namespace plumbline {

struct IoSegment {
  std::uint64_t address;  // checked with is_application_range, or a kernel address
  std::size_t length;
};

// The segments stay the caller's. All transfers stop at the first bad address; `faulted` then says
// so, and the caller returns EFAULT when nothing was transferred at all. May sleep.
class IoCursor {
 public:
  explicit IoCursor(std::span<const IoSegment> segments);
  // One segment.
  IoCursor(std::uint64_t address, std::size_t length)
      : address_(address), here_(length), remaining_(length) {}

  // Bytes not transferred yet.
  std::size_t remaining() const { return remaining_; }
  bool faulted() const { return faulted_; }
  // Leaves what lies beyond the next `length` bytes alone.
  void limit(std::size_t length) {
    if (length < remaining_) remaining_ = length;
  }
  // Copies `from` to the program; returns how many bytes.
  std::size_t put(std::span<const std::byte> from) {
    if (from.size() > here_ || is_kernel(address_)) [[unlikely]]
      return put_slowly(from);
    return moved(copy_to_application(address_, from.data(), from.size()), from.size());
  }
  // The same with zeros.
  std::size_t put_zeros(std::size_t length);
  // Copies from the program; returns how many bytes.
  std::size_t take(std::span<std::byte> to) {
    if (to.size() > here_ || is_kernel(address_)) [[unlikely]]
      return take_slowly(to);
    return moved(copy_from_application(to.data(), address_, to.size()), to.size());
  }

 private:
  // Kernel buffers are always there, and lie above what a program can name.
  static constexpr bool is_kernel(std::uint64_t address) {
    return static_cast<std::int64_t>(address) < 0;
  }
  // Notes that `count` of `wanted` bytes of the current segment have been transferred.
  std::size_t moved(std::size_t count, std::size_t wanted) {
    address_ += count;
    here_ -= count;
    remaining_ -= count;
    if (count != wanted) faulted_ = true;
    return count;
  }
  std::size_t put_slowly(std::span<const std::byte> from);
  std::size_t take_slowly(std::span<std::byte> to);
  template <typename Transfer>
  std::size_t walk(std::size_t length, Transfer transfer);

  std::uint64_t address_ = 0;  // the next byte
  std::size_t here_ = 0;       // left of its segment
  std::size_t remaining_ = 0;
  std::span<const IoSegment> further_;
  bool faulted_ = false;
};

}  // namespace plumbline
