#include "linux/files/lock_calls.hh"

#include "fs/file_locks.hh"
#include "linux/call.hh"
#include "linux/files/arguments.hh"

namespace plumbline::linux_abi {
namespace {

// struct flock (include/uapi/asm-generic/fcntl.h).
struct LinuxLock {
  std::int16_t type, whence;
  std::int32_t padding;
  std::int64_t start, length;
  std::int32_t process, padding2;
};
static_assert(sizeof(LinuxLock) == 32);
constexpr std::int16_t kRead = 0, kWrite = 1, kUnlock = 2;

// The bytes that `lock` is about. kEINVAL, kEOVERFLOW.
Status resolve_range(File& file, const LinuxLock& lock, FileLock& wanted) {
  std::int64_t base = 0;
  switch (lock.whence) {
    case 0:
      break;
    case 1:
      base = static_cast<std::int64_t>(file.position);
      break;
    case 2: {
      const Result<std::uint64_t> end = file.end();
      if (!end) return end.error();
      base = static_cast<std::int64_t>(*end);
      break;
    }
    default:
      return Errno::kEINVAL;
  }
  std::int64_t begin, end;
  if (__builtin_add_overflow(base, lock.start, &begin)) return Errno::kEOVERFLOW;
  if (__builtin_add_overflow(begin, lock.length, &end)) return Errno::kEOVERFLOW;
  if (lock.length < 0) {
    wanted.begin = static_cast<std::uint64_t>(end);
    wanted.end = static_cast<std::uint64_t>(begin);
    begin = end;
  } else {
    wanted.begin = static_cast<std::uint64_t>(begin);
    wanted.end = lock.length == 0 ? kLockEnd : static_cast<std::uint64_t>(end);
  }
  return begin < 0 ? Errno::kEINVAL : Errno::kNone;
}

Status get_lock(FileLocks& locks, LinuxLock& lock, const FileLock& wanted, std::uint64_t address) {
  const FileLock other = locks.find_conflict(FileLocks::Kind::kRecord, wanted);
  if (other.type == LockType::kUnlock) {
    lock.type = kUnlock;
  } else {
    lock.type = other.type == LockType::kShared ? kRead : kWrite;
    lock.whence = 0;
    lock.start = static_cast<std::int64_t>(other.begin);
    lock.length = other.end == kLockEnd ? 0 : static_cast<std::int64_t>(other.end - other.begin);
    lock.process = other.owner.is_process ? static_cast<std::int32_t>(other.owner.key) : -1;
  }
  return store_application(address, lock);
}

}  // namespace

Status lock_record(File& file, int command, std::uint64_t address) {
  const Result<LinuxLock> given = load_application<LinuxLock>(address);
  if (!given) return given.error();
  LinuxLock lock = *given;
  const bool of_file = command >= kGetOpenFileLock;
  const bool asks = command == kGetLock || command == kGetOpenFileLock;
  if (lock.type != kRead && lock.type != kWrite && (lock.type != kUnlock || asks))
    return Errno::kEINVAL;
  if (of_file && lock.process != 0) return Errno::kEINVAL;
  FileLock wanted;
  wanted.owner = of_file ? LockOwner::of_file(&file) : LockOwner::of_process(current_process().id);
  wanted.type = lock.type == kRead    ? LockType::kShared
                : lock.type == kWrite ? LockType::kExclusive
                                      : LockType::kUnlock;
  if (const Status status = resolve_range(file, lock, wanted); !status) return status;
  if (!asks) {
    if (lock.type == kRead && !file.readable()) return Errno::kEBADF;
    if (lock.type == kWrite && !file.writable()) return Errno::kEBADF;
  }
  Vnode* const vnode = file.vnode();
  if (vnode == nullptr) return Errno::kEINVAL;
  FileLocks* const locks = FileLocks::of(*vnode);
  if (locks == nullptr) return Errno::kENOLCK;
  if (asks) return get_lock(*locks, lock, wanted, address);
  const bool wait = command == kSetLockWait || command == kSetOpenFileLockWait;
  return locks->set(FileLocks::Kind::kRecord, wanted, wait);
}

namespace {

Status call_flock(int descriptor, int operation) {
  constexpr int kShared = 1, kExclusive = 2, kNonblocking = 4, kUnlockFile = 8, kMandatory = 32;
  // Once meant mandatory locks; ignored since Linux 5.16, whatever else is asked for.
  if ((operation & kMandatory) != 0) return {};
  const Result<Ref<File>> file = usable_file(descriptor);
  if (!file) return file.error();
  FileLock wanted;
  wanted.owner = LockOwner::of_file(file->get());
  switch (operation & ~kNonblocking) {
    case kShared:
      wanted.type = LockType::kShared;
      break;
    case kExclusive:
      wanted.type = LockType::kExclusive;
      break;
    case kUnlockFile:
      break;
    default:
      return Errno::kEINVAL;
  }
  Vnode* const vnode = (*file)->vnode();
  if (vnode == nullptr) return Errno::kEINVAL;
  FileLocks* const locks = FileLocks::of(*vnode);
  if (locks == nullptr) return Errno::kENOLCK;
  Status status = locks->set(FileLocks::Kind::kWhole, wanted, false);
  if (status || status.error() != Errno::kEAGAIN) return status;
  // A lock of the other kind is given up before waiting (flock(2), "Notes").
  locks->drop(FileLocks::Kind::kWhole, wanted.owner);
  if ((operation & kNonblocking) != 0) return status;
  return locks->set(FileLocks::Kind::kWhole, wanted, true);
}
LINUX_CALL(73, flock, call_flock);

}  // namespace
}  // namespace plumbline::linux_abi
