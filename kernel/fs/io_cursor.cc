#include "fs/io_cursor.hh"

#include <algorithm>
#include <cstring>

#include "memory/application_memory.hh"

namespace plumbline {
namespace {

// Kernel buffers are always there, and lie above what a program can name.
constexpr bool is_kernel(std::uint64_t address) { return address >= std::uint64_t{1} << 63; }

std::size_t copy_out(std::uint64_t address, const std::byte* from, std::size_t length) {
  if (!is_kernel(address)) return copy_to_application(address, from, length);
  std::memcpy(reinterpret_cast<void*>(address), from, length);
  return length;
}

std::size_t copy_in(std::byte* to, std::uint64_t address, std::size_t length) {
  if (!is_kernel(address)) return copy_from_application(to, address, length);
  std::memcpy(to, reinterpret_cast<const void*>(address), length);
  return length;
}

std::size_t clear(std::uint64_t address, std::size_t length) {
  if (!is_kernel(address)) return clear_application(address, length);
  std::memset(reinterpret_cast<void*>(address), 0, length);
  return length;
}

}  // namespace

// Calls transfer(address, done, length) for the pieces of the next `length` bytes.
template <typename Transfer>
inline std::size_t IoCursor::walk(std::size_t length, Transfer transfer) {
  std::size_t done = 0;
  length = std::min(length, remaining_);
  // Most transfers are a part of one segment that more follows, or that is the last.
  if (length != 0 && !faulted_ && length < segments_.front().length - offset_) [[likely]] {
    done = transfer(segments_.front().address + offset_, 0, length);
    offset_ += done;
    remaining_ -= done;
    faulted_ = done != length;
    return done;
  }
  while (done < length && !faulted_) {
    const IoSegment& segment = segments_.front();
    const std::size_t part = std::min(length - done, segment.length - offset_);
    const std::size_t moved = transfer(segment.address + offset_, done, part);
    done += moved;
    offset_ += moved;
    faulted_ = moved != part;
    if (offset_ == segment.length) {
      segments_ = segments_.subspan(1);
      offset_ = 0;
    }
  }
  remaining_ -= done;
  return done;
}

std::size_t IoCursor::put(std::span<const std::byte> from) {
  return walk(from.size(), [from](std::uint64_t address, std::size_t done, std::size_t length) {
    return copy_out(address, from.data() + done, length);
  });
}

std::size_t IoCursor::put_zeros(std::size_t length) {
  return walk(length, [](std::uint64_t address, std::size_t, std::size_t part) {
    return clear(address, part);
  });
}

std::size_t IoCursor::take(std::span<std::byte> to) {
  return walk(to.size(), [to](std::uint64_t address, std::size_t done, std::size_t length) {
    return copy_in(to.data() + done, address, length);
  });
}

}  // namespace plumbline
