#include "fs/io_cursor.hh"

#include <algorithm>
#include <cstring>

namespace plumbline {

IoCursor::IoCursor(std::span<const IoSegment> segments) : further_(segments) {
  for (const IoSegment& segment : segments) remaining_ += segment.length;
  if (segments.empty()) return;
  here_ = segments.front();
  further_ = segments.subspan(1);
}

// Calls transfer(address, done, length) for the pieces of the next `length` bytes.
template <typename Transfer>
std::size_t IoCursor::walk(std::size_t length, Transfer transfer) {
  std::size_t done = 0;
  length = std::min(length, remaining_);
  while (done < length && !faulted_) {
    while (here_.length == 0) {
      here_ = further_.front();
      further_ = further_.subspan(1);
    }
    const std::size_t part = std::min(length - done, here_.length);
    done += moved(transfer(here_.address, done, part), part);
  }
  return done;
}

bool IoCursor::make_present(bool for_writing) {
  if (here_.length == 0 || is_kernel(here_.address) ||
      !touch_application(here_.address, for_writing))
    return false;
  faulted_ = false;
  return true;
}

std::size_t IoCursor::put_slowly(std::span<const std::byte> from) {
  return walk(from.size(), [from](std::uint64_t address, std::size_t done, std::size_t length) {
    if (!is_kernel(address)) return copy_to_application(address, from.data() + done, length);
    std::memcpy(reinterpret_cast<void*>(address), from.data() + done, length);
    return length;
  });
}

std::size_t IoCursor::put_zeros(std::size_t length) {
  return walk(length, [](std::uint64_t address, std::size_t, std::size_t part) {
    if (!is_kernel(address)) return clear_application(address, part);
    std::memset(reinterpret_cast<void*>(address), 0, part);
    return part;
  });
}

std::size_t IoCursor::take_slowly(std::span<std::byte> to) {
  return walk(to.size(), [to](std::uint64_t address, std::size_t done, std::size_t length) {
    if (!is_kernel(address)) return copy_from_application(to.data() + done, address, length);
    std::memcpy(to.data() + done, reinterpret_cast<const void*>(address), length);
    return length;
  });
}

}  // namespace plumbline
