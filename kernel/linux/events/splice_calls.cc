// splice(2), tee(2), vmsplice(2): bytes between pipes and files. They are copied, but not through
// the program.
#include <algorithm>
#include <limits>

#include "fs/io_cursor.hh"
#include "fs/pipe.hh"
#include "linux/call.hh"
#include "linux/events/descriptors.hh"
#include "linux/events/scratch_array.hh"
#include "memory/application_memory.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {
namespace {

// SPLICE_F_MOVE, NONBLOCK, MORE, GIFT.
constexpr unsigned kKnownFlags = 15, kNonblock = 2;
constexpr std::size_t kMostAtOnce = 0x7fff'f000;  // Linux: MAX_RW_COUNT

// A file with its position: the program's variable, or the file's own.
class FilePosition {
 public:
  FilePosition(File& file, std::uint64_t address) : file_(file), address_(address) {}

  Status load() {
    if (address_ == 0) {
      if (file_.seekable()) at = file_.position;
      return {};
    }
    const Result<std::int64_t> loaded = load_application<std::int64_t>(address_);
    if (!loaded) return loaded.error();
    if (!file_.seekable()) return Errno::kEINVAL;
    if (*loaded < 0) return Errno::kEINVAL;
    at = static_cast<std::uint64_t>(*loaded);
    return {};
  }
  Status store() {
    if (address_ != 0) return store_application(address_, at);
    if (file_.seekable()) file_.position = at;
    return {};
  }
  File& file() { return file_; }

  std::uint64_t at = 0;
  // The file has failed, not the pipe: waiting for the pipe would not help.
  bool failed = false;

 private:
  File& file_;
  const std::uint64_t address_;
};

Result<std::size_t> read_into_pipe(void* context, std::span<std::byte> bytes) {
  auto& from = *static_cast<FilePosition*>(context);
  const IoSegment segment{reinterpret_cast<std::uint64_t>(bytes.data()), bytes.size()};
  IoCursor cursor({&segment, 1});
  const Result<std::size_t> count = from.file().read(cursor, from.at);
  from.failed = !count;
  if (count) from.at += *count;
  return count;
}

Result<std::size_t> write_from_pipe(void* context, std::span<const std::byte> bytes) {
  auto& to = *static_cast<FilePosition*>(context);
  const IoSegment segment{reinterpret_cast<std::uint64_t>(bytes.data()), bytes.size()};
  IoCursor cursor({&segment, 1});
  std::uint64_t offset = to.at;
  const Result<std::size_t> count = to.file().write(cursor, offset);
  to.failed = !count;
  if (count) to.at = offset + *count;
  return count;
}

// Waits for the pipes, as far as there are, and repeats `transfer` while another thread was quicker
// (kEAGAIN).
template <typename Transfer>
Result<std::size_t> wait_and(Pipe* readable, Pipe* writable, bool nonblocking, Transfer transfer) {
  for (;;) {
    Status waited;
    if (readable != nullptr) waited = readable->wait_readable(nonblocking);
    if (waited && writable != nullptr) waited = writable->wait_writable(nonblocking);
    if (!waited) return waited.error();
    const Result<std::size_t> count = transfer();
    if (count || count.error() != Errno::kEAGAIN || nonblocking) return count;
  }
}

// Between a pipe and a file, of which `transfer(position)` moves bytes. The file's position is
// locked only then, not while the pipe is waited for.
template <typename Transfer>
Result<std::size_t> wait_and(Pipe* readable, Pipe* writable, bool nonblocking, File& file,
                             std::uint64_t offset, Transfer transfer) {
  FilePosition position(file, offset);
  const Result<std::size_t> count =
      wait_and(readable, writable, nonblocking, [&]() -> Result<std::size_t> {
        const LockGuard guard(file.position_lock);
        if (const Status loaded = position.load(); !loaded) return loaded.error();
        const Result<std::size_t> moved = transfer(position);
        if (!moved) {
          // Comes out as what it is below.
          if (position.failed && moved.error() == Errno::kEAGAIN) return Errno::kECANCELED;
          return moved;
        }
        if (const Status stored = position.store(); !stored) return stored.error();
        return moved;
      });
  if (!count && position.failed && count.error() == Errno::kECANCELED) return Errno::kEAGAIN;
  return count;
}

Result<std::size_t> splice_files(File& in, std::uint64_t in_offset, File& out,
                                 std::uint64_t out_offset, std::size_t length, unsigned flags) {
  Pipe *from = in.pipe, *to = out.pipe;
  if ((from != nullptr && in_offset != 0) || (to != nullptr && out_offset != 0))
    return Errno::kESPIPE;
  if (from == nullptr && to == nullptr) return Errno::kEINVAL;
  bool nonblocking = (flags & kNonblock) != 0;
  if (from != nullptr && to != nullptr) {
    if (from == to) return Errno::kEINVAL;
    nonblocking = nonblocking || in.nonblocking() || out.nonblocking();
    return wait_and(from, to, nonblocking, [&] { return from->transfer(*to, length, false); });
  }
  if (from != nullptr) {
    if ((out.flags() & kOpenAppend) != 0) return Errno::kEINVAL;
    return wait_and(
        from, nullptr, nonblocking || in.nonblocking(), out, out_offset,
        [&](FilePosition& position) { return from->consume(length, write_from_pipe, &position); });
  }
  return wait_and(
      nullptr, to, nonblocking || out.nonblocking(), in, in_offset,
      [&](FilePosition& position) { return to->produce(length, read_into_pipe, &position); });
}

Result<std::size_t> call_splice(int in, std::uint64_t in_offset, int out, std::uint64_t out_offset,
                                std::size_t length, unsigned flags) {
  if ((flags & ~kKnownFlags) != 0) return Errno::kEINVAL;
  if (length == 0) return std::size_t{0};
  const Result<Ref<File>> source = find_file(in);
  if (!source) return source.error();
  const Result<Ref<File>> sink = find_file(out);
  if (!sink) return sink.error();
  if (!(*source)->readable() || !(*sink)->writable()) return Errno::kEBADF;
  return splice_files(**source, in_offset, **sink, out_offset, std::min(length, kMostAtOnce),
                      flags);
}

Result<std::size_t> call_tee(int in, int out, std::size_t length, unsigned flags) {
  if ((flags & ~kKnownFlags) != 0) return Errno::kEINVAL;
  if (length == 0) return std::size_t{0};
  const Result<Ref<File>> source = find_file(in);
  if (!source) return source.error();
  const Result<Ref<File>> sink = find_file(out);
  if (!sink) return sink.error();
  if (!(*source)->readable() || !(*sink)->writable()) return Errno::kEBADF;
  Pipe *from = (*source)->pipe, *to = (*sink)->pipe;
  if (from == nullptr || to == nullptr || from == to) return Errno::kEINVAL;
  const bool nonblocking =
      (flags & kNonblock) != 0 || (*source)->nonblocking() || (*sink)->nonblocking();
  return wait_and(from, to, nonblocking,
                  [&] { return from->transfer(*to, std::min(length, kMostAtOnce), true); });
}

// Gifts of pages are copied like everything else.
Result<std::size_t> call_vmsplice(int descriptor, std::uint64_t vector, std::size_t count,
                                  unsigned flags) {
  constexpr std::size_t kMostSegments = 1024;
  if ((flags & ~kKnownFlags) != 0) return Errno::kEINVAL;
  const Result<Ref<File>> file = find_file(descriptor);
  if (!file) return file.error();
  Pipe* pipe = (*file)->pipe;
  if (pipe == nullptr) return Errno::kEBADF;
  if (count > kMostSegments) return Errno::kEINVAL;
  ScratchArray<IoSegment, 8> storage(count);
  if (!storage) return Errno::kENOMEM;
  const std::span<IoSegment> segments = storage.get();
  if (!is_application_range(vector, segments.size_bytes()) ||
      copy_from_application(segments.data(), vector, segments.size_bytes()) !=
          segments.size_bytes())
    return Errno::kEFAULT;
  for (const IoSegment& segment : segments) {
    if (!is_application_range(segment.address, segment.length)) return Errno::kEFAULT;
  }
  IoCursor cursor(segments);
  const bool nonblocking = (flags & kNonblock) != 0 || (*file)->nonblocking();
  return (*file)->writable() ? pipe->write(cursor, nonblocking, false)
                             : pipe->read(cursor, nonblocking);
}

LINUX_CALL(275, splice, call_splice);
LINUX_CALL(276, tee, call_tee);
LINUX_CALL(278, vmsplice, call_vmsplice);

}  // namespace
}  // namespace plumbline::linux_abi
