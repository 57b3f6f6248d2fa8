// Sizes and what is on the disk: truncate, fallocate, fsync, and advice.
#include "linux/call.hh"
#include "linux/files/arguments.hh"
#include "linux/signal/signal_numbers.hh"
#include "linux/signal/signals.hh"
#include "linux/task.hh"

namespace plumbline::linux_abi {
namespace {

// RLIMIT_FSIZE (kEFBIG, and the signal).
Status check_size_limit(std::uint64_t size) {
  if (size <= current_process().limits[kLimitFileSize].current) return {};
  SignalInformation information{};
  information.signal = kSIGXFSZ;
  (void)send_signal(current_task(), information);
  return Errno::kEFBIG;
}

Status call_truncate(std::uint64_t path, std::int64_t size) {
  if (size < 0) return Errno::kEINVAL;
  const Result<Ref<Vnode>> vnode = find_at(kAtWorkingDirectory, path, 0);
  if (!vnode) return vnode.error();
  if ((*vnode)->is_directory()) return Errno::kEISDIR;
  if (const Status status = check_permission(**vnode, credentials(), kMayWrite); !status)
    return status;
  if (const Status status = check_size_limit(static_cast<std::uint64_t>(size)); !status)
    return status;
  return (*vnode)->truncate(static_cast<std::uint64_t>(size));
}
LINUX_CALL(76, truncate, call_truncate);

Status call_ftruncate(int descriptor, std::int64_t size) {
  if (size < 0) return Errno::kEINVAL;
  const Result<Ref<File>> file = usable_file(descriptor);
  if (!file) return file.error();
  if (!(*file)->writable()) return Errno::kEINVAL;
  if (const Status status = check_size_limit(static_cast<std::uint64_t>(size)); !status)
    return status;
  return (*file)->truncate(static_cast<std::uint64_t>(size));
}
LINUX_CALL(77, ftruncate, call_ftruncate);

Status call_fallocate(int descriptor, int mode, std::int64_t offset, std::int64_t length) {
  const Result<Ref<File>> reference = usable_file(descriptor);
  if (!reference) return reference.error();
  File& file = **reference;
  if (offset < 0 || length <= 0) return Errno::kEINVAL;
  if (!file.writable()) return Errno::kEBADF;
  Vnode* const vnode = file.vnode();
  if (vnode == nullptr || vnode->type() == kModeFifo) return Errno::kESPIPE;
  if (vnode->is_directory()) return Errno::kEISDIR;
  if (vnode->type() != kModeRegular) return Errno::kENODEV;
  std::int64_t end;
  if (__builtin_add_overflow(offset, length, &end)) return Errno::kEFBIG;
  constexpr int kKeepSize = 1;
  if ((mode & kKeepSize) == 0) {
    if (const Status status = check_size_limit(static_cast<std::uint64_t>(end)); !status)
      return status;
  }
  return file.allocate(mode, static_cast<std::uint64_t>(offset),
                       static_cast<std::uint64_t>(length));
}
LINUX_CALL(285, fallocate, call_fallocate);

Status call_fsync(int descriptor) {
  const Result<Ref<File>> file = usable_file(descriptor);
  return file ? (*file)->synchronise() : Status(file.error());
}
LINUX_CALL(74, fsync, call_fsync);
LINUX_CALL(75, fdatasync, call_fsync);

Status call_sync() { return {}; }  // all file systems are in memory
LINUX_CALL(162, sync, call_sync);

Status call_syncfs(int descriptor) {
  const Result<Ref<File>> file = usable_file(descriptor);
  return file ? Status() : file.error();
}
LINUX_CALL(306, syncfs, call_syncfs);

Status call_sync_file_range(int descriptor, std::int64_t offset, std::int64_t length,
                            unsigned flags) {
  const Result<Ref<File>> file = usable_file(descriptor);
  if (!file) return file.error();
  if (offset < 0 || length < 0 || flags > 7) return Errno::kEINVAL;
  return (*file)->seekable() ? Status() : Errno::kESPIPE;
}
LINUX_CALL(277, sync_file_range, call_sync_file_range);

Status call_fadvise(int descriptor, std::int64_t, std::int64_t length, int advice) {
  constexpr int kLastAdvice = 5;  // POSIX_FADV_NOREUSE
  const Result<Ref<File>> file = usable_file(descriptor);
  if (!file) return file.error();
  if (!(*file)->seekable()) return Errno::kESPIPE;
  // Nothing to do: what is in memory is as near as it gets.
  return length < 0 || advice < 0 || advice > kLastAdvice ? Errno::kEINVAL : Errno::kNone;
}
LINUX_CALL(221, fadvise64, call_fadvise);

Status call_readahead(int descriptor) {
  const Result<Ref<File>> file = readable_file(descriptor);
  if (!file) return file.error();
  Vnode* const vnode = (*file)->vnode();
  return vnode != nullptr && vnode->type() == kModeRegular ? Errno::kNone : Errno::kEINVAL;
}
LINUX_CALL(187, readahead, call_readahead);

}  // namespace
}  // namespace plumbline::linux_abi
