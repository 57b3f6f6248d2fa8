// fcntl and ioctl.
#include <algorithm>

#include "fs/pipe.hh"
#include "fs/ramfs/ramfs.hh"
#include "linux/call.hh"
#include "linux/files/arguments.hh"
#include "linux/files/async_signals.hh"
#include "linux/files/lock_calls.hh"

namespace plumbline::linux_abi {
namespace {

// Commands (Linux, include/uapi/asm-generic/fcntl.h and include/uapi/linux/fcntl.h).
constexpr int kDuplicate = 0, kGetDescriptorFlags = 1, kSetDescriptorFlags = 2, kGetFlags = 3,
              kSetFlags = 4, kSetOwner = 8, kGetOwner = 9, kSetSignal = 10, kGetSignal = 11,
              kSetOwnerKind = 15, kGetOwnerKind = 16, kSetLease = 1024, kGetLease = 1025,
              kNotify = 1026, kDuplicateCloseOnExec = 1030, kSetPipeSize = 1031,
              kGetPipeSize = 1032, kAddSeals = 1033, kGetSeals = 1034;

// What F_SETFL changes.
constexpr std::uint32_t kChangeable =
    kOpenAppend | kOpenNonblocking | kOpenDirect | kOpenAsync | kOpenNoAccessTime;

Result<long> duplicate(const Ref<File>& file, std::uint64_t from, bool close_on_exec) {
  if (from >= static_cast<std::uint64_t>(descriptor_limit())) return Errno::kEINVAL;
  const Result<int> made =
      descriptors().add(file, close_on_exec, static_cast<int>(from), descriptor_limit());
  if (!made) return made.error();
  return static_cast<long>(*made);
}

Result<long> ok(const Status& status) {
  if (!status) return status.error();
  return 0L;
}

// What an O_PATH descriptor allows as well; false: none of these commands.
bool descriptor_command(const Ref<File>& file, int descriptor, int command, std::uint64_t argument,
                        Result<long>& result) {
  switch (command) {
    case kDuplicate:
    case kDuplicateCloseOnExec:
      result = duplicate(file, argument & 0xffff'ffff, command == kDuplicateCloseOnExec);
      return true;
    case kGetDescriptorFlags: {
      const Result<bool> marked = descriptors().close_on_exec(descriptor);
      result = marked ? Result<long>(*marked ? 1L : 0L) : Result<long>(marked.error());
      return true;
    }
    case kSetDescriptorFlags:
      result = ok(descriptors().set_close_on_exec(descriptor, (argument & 1) != 0));
      return true;
    case kGetFlags:
      result = static_cast<long>(file->flags());
      return true;
    default:
      return false;
  }
}

Result<long> pipe_command(File& file, int command, std::uint64_t argument) {
  Pipe* const pipe = file.pipe;
  if (pipe == nullptr) return Errno::kEBADF;
  if (command == kGetPipeSize) return static_cast<long>(pipe->capacity());
  const Result<std::size_t> size = pipe->set_capacity(argument & 0xffff'ffff);
  if (!size) return size.error();
  return static_cast<long>(*size);
}

Result<long> seal_command(File& file, int command, std::uint64_t argument) {
  if (file.vnode() == nullptr) return Errno::kEINVAL;
  if (command == kGetSeals) {
    const Result<std::uint32_t> seals = memory_file_seals(*file.vnode());
    if (!seals) return seals.error();
    return static_cast<long>(*seals);
  }
  if (!file.writable()) return Errno::kEPERM;
  return ok(add_memory_file_seals(*file.vnode(), static_cast<std::uint32_t>(argument)));
}

// F_SETOWN_EX and F_GETOWN_EX; glibc asks for the owner only this way, since a group's number below
// zero looks like an error otherwise.
Status owner_command(File& file, int command, std::uint64_t address) {
  struct Owner {
    int kind, number;
  };
  constexpr int kTask = 0, kProcess = 1, kGroup = 2;
  if (command == kSetOwnerKind) {
    Result<Owner> given = load_application<Owner>(address);
    if (!given) return given.error();
    if (given->kind < kTask || given->kind > kGroup) return Errno::kEINVAL;
    file.signal_owner.store(given->kind == kGroup ? -given->number : given->number,
                            std::memory_order_relaxed);
    return update_async_signals(file);
  }
  const int owner = file.signal_owner.load(std::memory_order_relaxed);
  return store_application(address, owner < 0 ? Owner{kGroup, -owner} : Owner{kProcess, owner});
}

Result<long> call_fcntl(int descriptor, int command, std::uint64_t argument) {
  const Result<Ref<File>> reference = file_at(descriptor);
  if (!reference) return reference.error();
  Result<long> result = 0L;
  if (descriptor_command(*reference, descriptor, command, argument, result)) return result;
  File& file = **reference;
  if ((file.flags() & kOpenPath) != 0) return Errno::kEBADF;
  switch (command) {
    case kSetFlags:
      file.set_flags((file.flags() & ~kChangeable) |
                     (static_cast<std::uint32_t>(argument) & kChangeable));
      return ok(update_async_signals(file));
    case kGetLock:
    case kSetLock:
    case kSetLockWait:
    case kGetOpenFileLock:
    case kSetOpenFileLock:
    case kSetOpenFileLockWait:
      return ok(lock_record(file, command, argument));
    case kSetOwner:
      file.signal_owner.store(static_cast<int>(argument), std::memory_order_relaxed);
      return ok(update_async_signals(file));
    case kGetOwner:
      return static_cast<long>(file.signal_owner.load(std::memory_order_relaxed));
    case kSetOwnerKind:
    case kGetOwnerKind:
      return ok(owner_command(file, command, argument));
    case kSetSignal:
      // Only the usual signal, SIGIO.
      return argument == 0 ? Result<long>(0L) : Errno::kEINVAL;
    case kGetSignal:
      return 0L;
    case kSetPipeSize:
    case kGetPipeSize:
      return pipe_command(file, command, argument);
    case kAddSeals:
    case kGetSeals:
      return seal_command(file, command, argument);
    case kGetLease:
      return 2L;  // F_UNLCK: there is none
    case kNotify: {
      // inotify has taken its place; only taking back what was asked for works, as on Linux.
      constexpr std::uint64_t kSeveralTimes = 0x8000'0000;
      if (file.vnode() == nullptr || !file.vnode()->is_directory()) return Errno::kENOTDIR;
      return (argument & 0xffff'ffff & ~kSeveralTimes) == 0 ? Result<long>(0L) : Errno::kEINVAL;
    }
    case kSetLease:
    default:
      return Errno::kEINVAL;
  }
}
LINUX_CALL(72, fcntl, call_fcntl);

// Requests that every file knows (include/uapi/asm-generic/ioctls.h).
constexpr std::uint32_t kIoctlNonblocking = 0x5421, kIoctlNoCloseOnExec = 0x5450,
                        kIoctlCloseOnExec = 0x5451, kIoctlAsync = 0x5452, kIoctlReadable = 0x541b;

Status switch_flag(File& file, std::uint32_t flag, std::uint64_t address) {
  const Result<int> on = load_application<int>(address);
  if (!on) return on.error();
  file.set_flags(*on != 0 ? file.flags() | flag : file.flags() & ~flag);
  return flag == kOpenAsync ? update_async_signals(file) : Status();
}

Result<long> call_ioctl(int descriptor, std::uint32_t request, std::uint64_t argument) {
  const Result<Ref<File>> reference = usable_file(descriptor);
  if (!reference) return reference.error();
  File& file = **reference;
  switch (request) {
    case kIoctlCloseOnExec:
    case kIoctlNoCloseOnExec:
      return ok(descriptors().set_close_on_exec(descriptor, request == kIoctlCloseOnExec));
    case kIoctlNonblocking:
      return ok(switch_flag(file, kOpenNonblocking, argument));
    case kIoctlAsync:
      return ok(switch_flag(file, kOpenAsync, argument));
    case kIoctlReadable: {
      if (file.vnode() == nullptr || file.vnode()->type() != kModeRegular) break;
      const Result<std::uint64_t> end = file.end();
      if (!end) return end.error();
      // May be negative beyond the end, as on Linux.
      return ok(store_application(argument, static_cast<int>(*end - file.position)));
    }
    default:
      break;
  }
  return file.ioctl(request, argument);
}
LINUX_CALL(16, ioctl, call_ioctl);

}  // namespace
}  // namespace plumbline::linux_abi
