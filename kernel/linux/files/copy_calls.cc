// sendfile and copy_file_range.
#include <algorithm>
#include <memory>
#include <new>

#include "linux/call.hh"
#include "linux/files/arguments.hh"
#include "linux/files/transfer.hh"
#include "sync/interruptible_wait.hh"

namespace plumbline::linux_abi {
namespace {

constexpr std::size_t kBuffer = 16 * 1024;

// Where a copy reads or writes: at the file's position, or at an offset of the program's.
struct Place {
  File& file;
  std::int64_t* offset;

  Result<std::size_t> read(IoCursor& to) const {
    const Result<std::size_t> done =
        offset != nullptr ? read_at(file, to, *offset) : read_here(file, to);
    if (done && offset != nullptr) *offset += static_cast<std::int64_t>(*done);
    return done;
  }
  Result<std::size_t> write(IoCursor& from) const {
    const Result<std::size_t> done =
        offset != nullptr ? write_at(file, from, *offset) : write_here(file, from);
    if (done && offset != nullptr) *offset += static_cast<std::int64_t>(*done);
    return done;
  }
  // Gives back bytes that were read and could not be written.
  void step_back(std::size_t bytes) const {
    if (bytes == 0) return;
    if (offset != nullptr) {
      *offset -= static_cast<std::int64_t>(bytes);
    } else {
      const LockGuard guard(file.position_lock);
      file.position -= bytes;
    }
  }
};

// Copies up to `length` bytes through a buffer, since a file's pages cannot be lent to another.
Result<std::size_t> copy(const Place& from, const Place& to, std::size_t length) {
  const std::unique_ptr<std::byte[]> buffer(new (std::nothrow) std::byte[kBuffer]);
  if (buffer == nullptr) return Errno::kENOMEM;
  std::size_t done = 0;
  while (done < length && !interruption_pending()) {
    const auto address = reinterpret_cast<std::uint64_t>(buffer.get());
    const IoSegment room{address, std::min(kBuffer, length - done)};
    IoCursor reading({&room, 1});
    const Result<std::size_t> read = from.read(reading);
    if (!read) return done != 0 ? Result<std::size_t>(done) : read.error();
    if (*read == 0) break;
    const IoSegment filled{address, *read};
    IoCursor writing({&filled, 1});
    const Result<std::size_t> written = to.write(writing);
    if (!written) {
      from.step_back(*read);
      return done != 0 ? Result<std::size_t>(done) : written.error();
    }
    done += *written;
    if (*written < *read) {
      from.step_back(*read - *written);
      break;
    }
  }
  return done != 0 || length == 0 || !interruption_pending() ? Result<std::size_t>(done)
                                                             : Errno::kRestart;
}

bool is_regular(File& file) {
  return file.vnode() != nullptr && file.vnode()->type() == kModeRegular;
}

Result<std::size_t> call_sendfile(int out, int in, std::uint64_t offset_address,
                                  std::size_t length) {
  std::int64_t offset = 0;
  if (offset_address != 0) {
    const Result<std::int64_t> given = load_application<std::int64_t>(offset_address);
    if (!given) return given.error();
    offset = *given;
  }
  const Result<Ref<File>> from = readable_file(in);
  if (!from) return from.error();
  const Result<Ref<File>> to = writable_file(out);
  if (!to) return to.error();
  if (offset_address != 0 && !(*from)->seekable()) return Errno::kESPIPE;
  if (offset < 0) return Errno::kEINVAL;
  // Only from what has pages, and not to what writes elsewhere than told.
  if (!(*from)->seekable() || ((*to)->flags() & kOpenAppend) != 0) return Errno::kEINVAL;
  if ((*from)->vnode() != nullptr && (*from)->vnode()->is_directory()) return Errno::kEINVAL;
  const Result<std::size_t> done = copy({**from, offset_address != 0 ? &offset : nullptr},
                                        {**to, nullptr}, std::min(length, kMostBytes));
  if (done && offset_address != 0) {
    if (const Status status = store_application(offset_address, offset); !status)
      return status.error();
  }
  return done;
}
LINUX_CALL(40, sendfile, call_sendfile);

Result<std::size_t> call_copy_file_range(int in, std::uint64_t in_offset, int out,
                                         std::uint64_t out_offset, std::size_t length,
                                         unsigned flags) {
  const Result<Ref<File>> from = usable_file(in);
  if (!from) return from.error();
  const Result<Ref<File>> to = usable_file(out);
  if (!to) return to.error();
  std::int64_t offsets[2] = {};
  const std::uint64_t addresses[2] = {in_offset, out_offset};
  for (int i = 0; i < 2; ++i) {
    if (addresses[i] == 0) continue;
    const Result<std::int64_t> given = load_application<std::int64_t>(addresses[i]);
    if (!given) return given.error();
    offsets[i] = *given;
  }
  if (flags != 0) return Errno::kEINVAL;
  File& source = **from;
  File& target = **to;
  for (File* const file : {&source, &target}) {
    if (file->vnode() != nullptr && file->vnode()->is_directory()) return Errno::kEISDIR;
  }
  if (!is_regular(source) || !is_regular(target)) return Errno::kEINVAL;
  if (!source.readable() || !target.writable() || (target.flags() & kOpenAppend) != 0)
    return Errno::kEBADF;
  const auto start = [&](File& file, int which) {
    return addresses[which] != 0 ? offsets[which] : static_cast<std::int64_t>(file.position);
  };
  const std::int64_t begin = start(source, 0), to_begin = start(target, 1);
  if (begin < 0 || to_begin < 0) return Errno::kEINVAL;
  const Result<std::uint64_t> end = source.end();
  if (!end) return end.error();
  // What lies behind the end is not copied, and overlaps with nothing.
  const auto at = static_cast<std::uint64_t>(begin);
  length = std::min<std::uint64_t>({length, kMostBytes, *end > at ? *end - at : 0});
  const auto span = static_cast<std::int64_t>(length);
  // Onto itself only where nothing overlaps.
  if (source.vnode() == target.vnode() && begin < to_begin + span && to_begin < begin + span)
    return Errno::kEINVAL;
  const Result<std::size_t> done = copy({source, in_offset != 0 ? &offsets[0] : nullptr},
                                        {target, out_offset != 0 ? &offsets[1] : nullptr}, length);
  for (int i = 0; done && i < 2; ++i) {
    if (addresses[i] == 0) continue;
    if (const Status status = store_application(addresses[i], offsets[i]); !status)
      return status.error();
  }
  return done;
}
LINUX_CALL(326, copy_file_range, call_copy_file_range);

}  // namespace
}  // namespace plumbline::linux_abi
