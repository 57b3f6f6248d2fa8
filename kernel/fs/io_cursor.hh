// Where a read puts its bytes, or a write takes them from: the segments of a program's readv or
// writev, walked through once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "memory/application_words.hh"

namespace plumbline {

// The segments stay the caller's. All transfers stop at the first bad address; `faulted` then says
// so, and the caller returns EFAULT when nothing was transferred at all. May sleep.
class IoCursor {
 public:
  explicit IoCursor(std::span<const IoSegment> segments);
  // The same with the sum of their lengths.
  IoCursor(std::span<const IoSegment> segments, std::size_t total) : remaining_(total) {
    if (segments.empty()) return;
    here_ = segments.front();
    further_ = segments.subspan(1);
  }
  // One segment.
  IoCursor(std::uint64_t address, std::size_t length)
      : here_{address, length}, remaining_(length) {}

  // Bytes not transferred yet.
  std::size_t remaining() const { return remaining_; }
  bool faulted() const { return faulted_; }
  // After a transfer with a spinlock held, which stops where a page is not there: makes the page,
  // so that it can go on; may sleep. False: it is a bad address.
  bool make_present(bool for_writing);
  // Leaves what lies beyond the next `length` bytes alone.
  void limit(std::size_t length) {
    if (length >= remaining_) return;
    remaining_ = length;
    limited_ = true;
  }
  // Copies `from` to the program; returns how many bytes.
  std::size_t put(std::span<const std::byte> from) {
    if (from.size() > here_.length || is_kernel(here_.address)) [[unlikely]]
      return put_slowly(from);
    return moved(copy_to_application(here_.address, from.data(), from.size()), from.size());
  }
  // The same with one small object; true when all of it was stored.
  template <typename T>
  bool put_object(const T& object) {
    if (sizeof object > here_.length || is_kernel(here_.address)) [[unlikely]]
      return put_slowly(std::as_bytes(std::span(&object, 1))) == sizeof object;
    const bool stored = store_words<sizeof object>(here_.address, &object);
    moved(stored ? sizeof object : 0, sizeof object);
    return stored;
  }
  // The same with zeros.
  std::size_t put_zeros(std::size_t length);
  // Copies from the program; returns how many bytes.
  std::size_t take(std::span<std::byte> to) {
    if (to.size() > here_.length || is_kernel(here_.address)) [[unlikely]]
      return take_slowly(to);
    return moved(copy_from_application(to.data(), here_.address, to.size()), to.size());
  }
  // The same for all that remains, if that is at most `room`, and without sleeping: for holders of
  // spinlocks. Where the copy ends, or null, and nothing is taken: it is longer, the cursor is
  // limited, or a page is not there, or not yet.
  std::byte* take_all_at_once(std::byte* to, std::size_t room) {
    if (limited_) return nullptr;
    const auto gather = [&room](std::byte* at, std::span<const IoSegment> segments) {
      return gather_at_once(at, room, reinterpret_cast<std::uint64_t>(segments.data()),
                            segments.size());
    };
    std::byte* end;
    if (further_.empty()) {
      end = gather(to, {&here_, 1});
    } else if (const IoSegment* const first = further_.data() - 1; first->length == here_.length) {
      // Nothing has been taken yet of the segment in front of the others, so it is among them.
      end = gather(to, {first, further_.size() + 1});
    } else {
      end = gather(to, {&here_, 1});
      if (end == nullptr) return nullptr;
      room -= here_.length;
      end = gather(end, further_);
    }
    if (end == nullptr) return nullptr;
    remaining_ = here_.length = 0;
    further_ = {};
    return end;
  }

 private:
  // Kernel buffers are always there, and lie above what a program can name.
  static constexpr bool is_kernel(std::uint64_t address) {
    return static_cast<std::int64_t>(address) < 0;
  }
  // Notes that `count` of `wanted` bytes of the current segment have been transferred.
  std::size_t moved(std::size_t count, std::size_t wanted) {
    here_.address += count;
    here_.length -= count;
    remaining_ -= count;
    if (count != wanted) faulted_ = true;
    return count;
  }
  std::size_t put_slowly(std::span<const std::byte> from);
  std::size_t take_slowly(std::span<std::byte> to);
  template <typename Transfer>
  std::size_t walk(std::size_t length, Transfer transfer);

  IoSegment here_{};  // the next byte, and what is left of its segment
  std::size_t remaining_ = 0;
  std::span<const IoSegment> further_;
  bool faulted_ = false;
  bool limited_ = false;
};

}  // namespace plumbline
