// Where a read puts its bytes, or a write takes them from: the segments of a program's readv or
// writev, walked through once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace plumbline {

struct IoSegment {
  std::uint64_t address;  // checked with is_application_range, or a kernel address
  std::size_t length;
};

// The segments stay the caller's. All transfers stop at the first bad address; `faulted` then says
// so, and the caller returns EFAULT when nothing was transferred at all. May sleep.
class IoCursor {
 public:
  explicit IoCursor(std::span<const IoSegment> segments) : segments_(segments) {
    for (const IoSegment& segment : segments) remaining_ += segment.length;
  }

  // Bytes not transferred yet.
  std::size_t remaining() const { return remaining_; }
  bool faulted() const { return faulted_; }
  // Leaves what lies beyond the next `length` bytes alone.
  void limit(std::size_t length) {
    if (length < remaining_) remaining_ = length;
  }
  // Copies `from` to the program; returns how many bytes.
  std::size_t put(std::span<const std::byte> from);
  // The same with zeros.
  std::size_t put_zeros(std::size_t length);
  // Copies from the program; returns how many bytes.
  std::size_t take(std::span<std::byte> to);

 private:
  template <typename Transfer>
  std::size_t walk(std::size_t length, Transfer transfer);

  std::span<const IoSegment> segments_;
  std::size_t offset_ = 0;  // within the first of segments_
  std::size_t remaining_ = 0;
  bool faulted_ = false;
};

}  // namespace plumbline
