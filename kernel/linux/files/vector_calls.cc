// readv, writev and their variants.
#include <algorithm>
#include <new>

#include "linux/call.hh"
#include "linux/files/arguments.hh"
#include "linux/files/transfer.hh"

namespace plumbline::linux_abi {
namespace {

// A program's iovec, read and checked.
class Segments {
 public:
  Segments() = default;
  ~Segments() { delete[] many_; }
  Segments(const Segments&) = delete;
  Segments& operator=(const Segments&) = delete;

  Status read(std::uint64_t address, std::uint64_t count) {
    constexpr std::uint64_t kMost = 1024;  // UIO_MAXIOV
    static_assert(sizeof(IoSegment) == 16, "read as the program's struct iovec");
    if (count > kMost) return Errno::kEINVAL;
    IoSegment* list = few_;
    if (count > kFew) {
      list = many_ = new (std::nothrow) IoSegment[count];
      if (list == nullptr) return Errno::kENOMEM;
    }
    const std::size_t bytes = count * sizeof(IoSegment);
    if (!is_application_range(address, bytes) ||
        copy_from_application(list, address, bytes) != bytes)
      return Errno::kEFAULT;
    std::size_t total = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (static_cast<std::int64_t>(list[i].length) < 0) return Errno::kEINVAL;
      list[i].length = std::min(list[i].length, kMostBytes - total);
      if (!is_application_range(list[i].address, list[i].length)) return Errno::kEFAULT;
      total += list[i].length;
    }
    segments_ = {list, count};
    return {};
  }

  std::span<const IoSegment> get() const { return segments_; }

 private:
  static constexpr std::size_t kFew = 8;
  IoSegment few_[kFew];
  IoSegment* many_ = nullptr;
  std::span<const IoSegment> segments_;
};

enum class Direction : bool { kRead, kWrite };

// All that take an iovec; `offset` is null where the position is meant.
Result<std::size_t> transfer_vector(Direction direction, int descriptor, std::uint64_t address,
                                    std::uint64_t count, const std::int64_t* offset) {
  const bool reads = direction == Direction::kRead;
  const Result<Ref<File>> file = reads ? readable_file(descriptor) : writable_file(descriptor);
  if (!file) return file.error();
  if (offset != nullptr && !(*file)->seekable()) return Errno::kESPIPE;
  Segments segments;
  if (const Status status = segments.read(address, count); !status) return status.error();
  IoCursor cursor(segments.get());
  // Nothing to do is no error, whatever the file would say to it.
  if (cursor.remaining() == 0) return std::size_t{0};
  if (offset == nullptr) return reads ? read_here(**file, cursor) : write_here(**file, cursor);
  return reads ? read_at(**file, cursor, *offset) : write_at(**file, cursor, *offset);
}

Result<std::size_t> call_readv(int descriptor, std::uint64_t address, std::uint64_t count) {
  return transfer_vector(Direction::kRead, descriptor, address, count, nullptr);
}
LINUX_CALL(19, readv, call_readv);

Result<std::size_t> call_writev(int descriptor, std::uint64_t address, std::uint64_t count) {
  return transfer_vector(Direction::kWrite, descriptor, address, count, nullptr);
}
LINUX_CALL(20, writev, call_writev);

Result<std::size_t> call_preadv(int descriptor, std::uint64_t address, std::uint64_t count,
                                std::int64_t offset) {
  if (offset < 0) return Errno::kEINVAL;
  return transfer_vector(Direction::kRead, descriptor, address, count, &offset);
}
LINUX_CALL(295, preadv, call_preadv);

Result<std::size_t> call_pwritev(int descriptor, std::uint64_t address, std::uint64_t count,
                                 std::int64_t offset) {
  if (offset < 0) return Errno::kEINVAL;
  return transfer_vector(Direction::kWrite, descriptor, address, count, &offset);
}
LINUX_CALL(296, pwritev, call_pwritev);

// preadv2 and pwritev2: an offset of -1 means the position. The flags ask for more certainty than
// memory needs, or not to wait, which files in memory never do.
Status check_transfer_flags(int flags, bool writes) {
  constexpr int kHighPriority = 1, kDataSync = 2, kSync = 4, kNoWait = 8;
  int known = kHighPriority | kDataSync | kSync;
  if (!writes) known |= kNoWait;
  return (flags & ~known) == 0 ? Status() : Errno::kEOPNOTSUPP;
}

Result<std::size_t> transfer_vector2(Direction direction, int descriptor, std::uint64_t address,
                                     std::uint64_t count, std::int64_t offset, int flags) {
  if (const Status status = check_transfer_flags(flags, direction == Direction::kWrite); !status)
    return status.error();
  if (offset < -1) return Errno::kEINVAL;
  return transfer_vector(direction, descriptor, address, count, offset == -1 ? nullptr : &offset);
}

Result<std::size_t> call_preadv2(int descriptor, std::uint64_t address, std::uint64_t count,
                                 std::int64_t offset, std::uint64_t, int flags) {
  return transfer_vector2(Direction::kRead, descriptor, address, count, offset, flags);
}
LINUX_CALL(327, preadv2, call_preadv2);

Result<std::size_t> call_pwritev2(int descriptor, std::uint64_t address, std::uint64_t count,
                                  std::int64_t offset, std::uint64_t, int flags) {
  return transfer_vector2(Direction::kWrite, descriptor, address, count, offset, flags);
}
LINUX_CALL(328, pwritev2, call_pwritev2);

}  // namespace
}  // namespace plumbline::linux_abi
