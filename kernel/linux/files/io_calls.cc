// read, write, pread, pwrite, lseek.
#include <algorithm>
#include <limits>

#include "fs/pipe_small.hh"
#include "linux/call.hh"
#include "linux/files/arguments.hh"
#include "linux/files/told.hh"
#include "linux/files/transfer.hh"
#include "linux/signal/signal_numbers.hh"
#include "linux/signal/signals.hh"
#include "linux/task.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {
namespace {

// RLIMIT_FSIZE: cuts a write at `offset` to what is allowed. kEFBIG, with SIGXFSZ, when nothing is.
Status limit_to_file_size(File& file, std::uint64_t offset, IoCursor& from) {
  const std::uint64_t limit = current_process().limits[kLimitFileSize].current;
  if (limit == kNoLimit) [[likely]]
    return {};
  if (file.vnode() == nullptr || file.vnode()->type() != kModeRegular) return {};
  if ((file.flags() & kOpenAppend) != 0) {
    const Result<std::uint64_t> end = file.end();
    if (end) offset = *end;
  }
  if (offset < limit) {
    from.limit(limit - offset);
    return {};
  }
  SignalInformation information{};
  information.signal = kSIGXFSZ;
  (void)send_signal(current_task(), information);
  return Errno::kEFBIG;
}

// The last byte must have a number, too.
bool is_valid_place(std::int64_t offset, std::size_t length) {
  return offset >= 0 &&
         length <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() - offset);
}

[[gnu::noinline]] Result<std::size_t> read_at_position(File& file, IoCursor& to) {
  const LockGuard guard(file.position_lock);
  const Result<std::size_t> done = file.read(to, file.position);
  if (done) file.position += *done;
  return told(file, done, kInAccess);
}

[[gnu::noinline]] Result<std::size_t> write_at_position(File& file, IoCursor& from) {
  const LockGuard guard(file.position_lock);
  std::uint64_t offset = file.position;
  if (const Status status = limit_to_file_size(file, offset, from); !status) return status.error();
  const Result<std::size_t> done = file.write(from, offset);
  if (done) file.position = offset + *done;
  return told(file, done, kInModify);
}

}  // namespace

Result<std::size_t> read_here(File& file, IoCursor& to) {
  if (file.seekable()) return read_at_position(file, to);
  return told(file, file.read(to, 0), kInAccess);
}

Result<std::size_t> write_here(File& file, IoCursor& from) {
  if (file.seekable()) return write_at_position(file, from);
  std::uint64_t offset = 0;
  return told(file, file.write(from, offset), kInModify);
}

Result<std::size_t> read_at(File& file, IoCursor& to, std::int64_t offset) {
  if (!is_valid_place(offset, to.remaining())) return Errno::kEINVAL;
  if (!file.seekable()) return Errno::kESPIPE;
  return told(file, file.read(to, static_cast<std::uint64_t>(offset)), kInAccess);
}

Result<std::size_t> write_at(File& file, IoCursor& from, std::int64_t offset) {
  if (!is_valid_place(offset, from.remaining())) return Errno::kEINVAL;
  if (!file.seekable()) return Errno::kESPIPE;
  auto at = static_cast<std::uint64_t>(offset);
  if (const Status status = limit_to_file_size(file, at, from); !status) return status.error();
  return told(file, file.write(from, at), kInModify);
}

namespace {

// What is not a short message in a pipe; takes over the reference. Out of line: what reads and
// writes of pipes do not need costs them no registers.
[[gnu::noinline]] Result<std::size_t> read_file(File* taken, std::uint64_t address,
                                                std::size_t length) {
  const Ref<File> file = Ref<File>::adopt(taken);
  const std::uint32_t access = taken->flags() & (kOpenPath | kOpenAccessMask);
  if (access != kOpenReadOnly && access != kOpenReadWrite) return Errno::kEBADF;
  length = std::min(length, kMostBytes);
  if (!is_application_range(address, length)) return Errno::kEFAULT;
  IoCursor cursor(address, length);
  return read_here(*taken, cursor);
}

[[gnu::noinline]] Result<std::size_t> write_file(File* taken, std::uint64_t address,
                                                 std::size_t length) {
  const Ref<File> file = Ref<File>::adopt(taken);
  const std::uint32_t access = taken->flags() & (kOpenPath | kOpenAccessMask);
  if (access != kOpenWriteOnly && access != kOpenReadWrite) return Errno::kEBADF;
  length = std::min(length, kMostBytes);
  if (!is_application_range(address, length)) return Errno::kEFAULT;
  IoCursor cursor(address, length);
  return write_here(*taken, cursor);
}

Result<std::size_t> call_read(int descriptor, std::uint64_t address, std::size_t length) {
  File* const file = retained_file(descriptor);
  if (file == nullptr) [[unlikely]]
    return Errno::kEBADF;
  const std::uint32_t flags = file->flags();
  // Access mode 3 is neither reading nor writing.
  if (Pipe* const pipe = file->pipe; pipe != nullptr &&
                                     (flags & (kOpenPath | kOpenWriteOnly)) == 0 &&
                                     Pipe::is_small_read(address, length)) {
    const std::size_t count = pipe->read_small(address, length, (flags & kOpenNonblocking) != 0);
    if (count != 0) [[likely]] {
      if (inotify::watched()) [[unlikely]]
        tell_watchers(*file, kInAccess);
      release_file(file);
      return count;
    }
  }
  return read_file(file, address, length);
}
LINUX_CALL(0, read, call_read);

Result<std::size_t> call_write(int descriptor, std::uint64_t address, std::size_t length) {
  File* const file = retained_file(descriptor);
  if (file == nullptr) [[unlikely]]
    return Errno::kEBADF;
  // Packets (O_DIRECT) are not what write_small() does.
  constexpr std::uint32_t kMask = kOpenPath | kOpenAccessMask | kOpenDirect;
  if (Pipe* const pipe = file->pipe; pipe != nullptr && (file->flags() & kMask) == kOpenWriteOnly &&
                                     Pipe::is_small_write(address, length)) {
    const std::size_t count = pipe->write_small(address, length);
    if (count != 0) [[likely]] {
      if (inotify::watched()) [[unlikely]]
        tell_watchers(*file, kInModify);
      release_file(file);
      return count;
    }
  }
  return write_file(file, address, length);
}
LINUX_CALL(1, write, call_write);

Result<std::size_t> call_pread(int descriptor, std::uint64_t address, std::size_t length,
                               std::int64_t offset) {
  if (offset < 0) return Errno::kEINVAL;
  const Result<Ref<File>> file = readable_file(descriptor);
  if (!file) return file.error();
  length = std::min(length, kMostBytes);
  if (!is_application_range(address, length)) return Errno::kEFAULT;
  IoCursor cursor(address, length);
  return read_at(**file, cursor, offset);
}
LINUX_CALL(17, pread64, call_pread);

Result<std::size_t> call_pwrite(int descriptor, std::uint64_t address, std::size_t length,
                                std::int64_t offset) {
  if (offset < 0) return Errno::kEINVAL;
  const Result<Ref<File>> file = writable_file(descriptor);
  if (!file) return file.error();
  length = std::min(length, kMostBytes);
  if (!is_application_range(address, length)) return Errno::kEFAULT;
  IoCursor cursor(address, length);
  return write_at(**file, cursor, offset);
}
LINUX_CALL(18, pwrite64, call_pwrite);

Result<std::int64_t> call_lseek(int descriptor, std::int64_t offset, int whence) {
  constexpr int kSet = 0, kCurrent = 1, kEnd = 2, kData = 3, kHole = 4;
  const Result<Ref<File>> reference = usable_file(descriptor);
  if (!reference) return reference.error();
  File& file = **reference;
  if (whence < kSet || whence > kHole) return Errno::kEINVAL;
  if (!file.seekable()) return Errno::kESPIPE;
  // Devices that can be sought take no notice of it (null(4)).
  if (file.vnode() != nullptr && file.vnode()->type() == kModeCharacterDevice) return 0;
  const LockGuard guard(file.position_lock);
  std::int64_t base = 0;
  switch (whence) {
    case kCurrent:
      base = static_cast<std::int64_t>(file.position);
      break;
    case kEnd: {
      const Result<std::uint64_t> end = file.end();
      if (!end) return end.error();
      base = static_cast<std::int64_t>(*end);
      break;
    }
    case kData:
    case kHole: {
      if (offset < 0) return Errno::kENXIO;
      const Result<std::uint64_t> found =
          file.seek_data(static_cast<std::uint64_t>(offset), whence == kHole);
      if (!found) return found.error();
      file.position = *found;
      return static_cast<std::int64_t>(*found);
    }
    default:
      break;
  }
  std::int64_t position;
  if (__builtin_add_overflow(base, offset, &position)) return Errno::kEOVERFLOW;
  if (position < 0) return Errno::kEINVAL;
  file.position = static_cast<std::uint64_t>(position);
  return position;
}
LINUX_CALL(8, lseek, call_lseek);

}  // namespace
}  // namespace plumbline::linux_abi
