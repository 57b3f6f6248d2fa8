#include "linux/threads/futex.hh"

#include "linux/call.hh"
#include "linux/process_table.hh"
#include "linux/signal/signals.hh"
#include "linux/task.hh"
#include "memory/address_space.hh"
#include "memory/application_memory.hh"
#include "sync/interruptible_wait.hh"

namespace plumbline::linux_abi {
namespace {

// futex(2)'s operations (Linux, include/uapi/linux/futex.h).
enum FutexOperation : unsigned {
  kWait = 0,
  kWake = 1,
  kRequeue = 3,
  kCompareRequeue = 4,
  kWakeOperation = 5,
  kLockOwned = 6,
  kUnlockOwned = 7,
  kTryLockOwned = 8,
  kWaitBits = 9,
  kWakeBits = 10,
  kLockOwned2 = 13,
};
constexpr unsigned kPrivateFlag = 128, kRealtimeFlag = 256;

// Physical addresses end far below this bit.
constexpr std::uint64_t kPhysicalKey = std::uint64_t{1} << 63;

constinit FutexTable table;

// Low addresses may mean another word to each program (address_space::open_window).
std::uint64_t private_key(std::uint64_t address) {
  if (address >= address_space::kWindowEnd) return address;
  constexpr std::uint64_t kOwners = (std::uint64_t{1} << 22) - 1;
  // Not current_process(): a call here would make every futex call save all registers.
  return address | (current_task().process->memory_owner() & kOwners) << 40;
}

bool end_asked() { return current_task().must_end.load(std::memory_order_relaxed); }

bool task_exists(std::uint32_t id) {
  const LockGuard guard(process_table_lock());
  return find_task_locked(id) != nullptr;
}

struct TimeSpecification {
  std::int64_t seconds, nanoseconds;
};

// What a call's timeout means: a span for FUTEX_WAIT, a point in time for the others.
Result<Deadline> read_deadline(std::uint64_t address, bool relative, bool realtime) {
  if (address == 0) return Deadline::never();
  const Result<TimeSpecification> time = load_application<TimeSpecification>(address);
  if (!time) return time.error();
  if ((*time).seconds < 0 || (*time).nanoseconds < 0 || (*time).nanoseconds >= 1'000'000'000)
    return Errno::kEINVAL;
  // More than a century is for ever, and would not fit.
  constexpr std::int64_t kForEver = 4'000'000'000;
  if ((*time).seconds > kForEver) return Deadline::never();
  const std::uint64_t count = static_cast<std::uint64_t>((*time).seconds) * 1'000'000'000 +
                              static_cast<std::uint64_t>((*time).nanoseconds);
  if (relative) return Deadline::after(Nanoseconds{count});
  if (!realtime) return Deadline{Nanoseconds{count}};
  const std::uint64_t now = wall_clock_now_ns().count;
  return Deadline::after(Nanoseconds{count > now ? count - now : 0});
}

Result<long> wait_call(FutexWord word, std::uint32_t value, std::uint32_t bits, Deadline deadline) {
  if (bits == 0) return Errno::kEINVAL;
  for (;;) {
    const Status status = table.wait(word, value, bits, deadline, interruption_pending);
    if (status) return 0;
    if (status.error() != Errno::kRestart || deadline.is_never()) return status.error();
    // A wait with a timeout is not made again by the program: it would start over (Linux:
    // restart_syscall, which no handler lets happen).
    if (signal_deliverable()) return Errno::kEINTR;
  }
}

Result<long> lock_call(FutexWord word, bool only_try, Deadline deadline) {
  // Signals wait until the lock is there: POSIX has no interrupted pthread_mutex_lock, and glibc
  // ends the program when it sees one.
  const Status status =
      table.lock_owned(word, current_task().id, only_try, deadline, end_asked, task_exists);
  return status ? Result<long>(0) : status.error();
}

[[gnu::noinline]] Result<long> any_futex_call(std::uint64_t address, unsigned operation,
                                              std::uint32_t value, std::uint64_t timeout,
                                              std::uint64_t second_address,
                                              std::uint32_t third_value) {
  const bool shared = (operation & kPrivateFlag) == 0;
  const bool realtime = (operation & kRealtimeFlag) != 0;
  const unsigned command = operation & ~(kPrivateFlag | kRealtimeFlag);
  if (realtime && command != kWait && command != kWaitBits && command != kLockOwned2)
    return Errno::kENOSYS;
  // Counts are ints; a negative one wakes all (FUTEX_WAKE) or is an error (requeue).
  const auto count = static_cast<std::int32_t>(value);
  const auto second_count = static_cast<std::int32_t>(timeout);

  const auto with_deadline = [&](bool relative, bool on_realtime, auto function) -> Result<long> {
    // Linux looks at the time first.
    const Result<Deadline> deadline = read_deadline(timeout, relative, on_realtime);
    if (!deadline) return deadline.error();
    const Result<FutexWord> word = futex_word(address, shared);
    if (!word) return word.error();
    return function(*word, *deadline);
  };

  switch (command) {
    case kWait:
    case kWaitBits:
      return with_deadline(command == kWait, realtime, [&](FutexWord word, Deadline deadline) {
        const std::uint32_t bits = command == kWait ? FutexTable::kAnyBit : third_value;
        return wait_call(word, value, bits, deadline);
      });
    case kWake:
    case kWakeBits: {
      const std::uint32_t bits = command == kWake ? FutexTable::kAnyBit : third_value;
      if (bits == 0) return Errno::kEINVAL;
      const Result<FutexWord> word = futex_word(address, shared);
      if (!word) return word.error();
      // Linux wakes one where none is asked for.
      return static_cast<long>(
          table.wake((*word).key, count == 0 ? 1 : static_cast<unsigned>(count), bits));
    }
    case kRequeue:
    case kCompareRequeue:
    case kWakeOperation: {
      if (command != kWakeOperation && (count < 0 || second_count < 0)) return Errno::kEINVAL;
      const Result<FutexWord> first = futex_word(address, shared);
      if (!first) return first.error();
      const Result<FutexWord> second = futex_word(second_address, shared);
      if (!second) return second.error();
      const auto wakes = static_cast<unsigned>(count), others = static_cast<unsigned>(second_count);
      const Result<unsigned> done =
          command == kWakeOperation
              ? table.wake_with_operation(*first, *second, wakes, others, third_value)
              : table.requeue(*first, *second, wakes, others,
                              command == kCompareRequeue ? &third_value : nullptr);
      if (!done) return done.error();
      return static_cast<long>(*done);
    }
    case kLockOwned:
    case kLockOwned2:
      return with_deadline(
          false, realtime || command == kLockOwned,
          [](FutexWord word, Deadline deadline) { return lock_call(word, false, deadline); });
    case kTryLockOwned:
    case kUnlockOwned: {
      const Result<FutexWord> word = futex_word(address, shared);
      if (!word) return word.error();
      if (command == kTryLockOwned) return lock_call(*word, true, Deadline::never());
      const Status status = table.unlock_owned(*word, current_task().id);
      return status ? Result<long>(0) : status.error();
    }
    default:
      return Errno::kENOSYS;
  }
}

Result<long> call_futex(std::uint64_t address, unsigned operation, std::uint32_t value,
                        std::uint64_t timeout, std::uint64_t second_address,
                        std::uint32_t third_value) {
  // What nearly all calls are, with as little as possible on the way.
  const bool plain = address % sizeof(std::uint32_t) == 0 && address < kApplicationEnd;
  if (plain && operation == (kWake | kPrivateFlag) && static_cast<std::int32_t>(value) > 0)
    return static_cast<long>(table.wake(private_key(address), value, FutexTable::kAnyBit));
  if (plain && operation == (kWait | kPrivateFlag) && timeout == 0) {
    const Status status = table.wait_for_ever({address, private_key(address)}, value);
    return status ? Result<long>(0) : status.error();
  }
  return any_futex_call(address, operation, value, timeout, second_address, third_value);
}

LINUX_CALL(202, futex, call_futex);

}  // namespace

FutexTable& futex_table() { return table; }

Result<FutexWord> futex_word(std::uint64_t address, bool shared) {
  if (address % sizeof(std::uint32_t) != 0) return Errno::kEINVAL;
  if (!is_application_range(address, sizeof(std::uint32_t))) return Errno::kEFAULT;
  if (!shared) return FutexWord{address, private_key(address)};
  using address_space::SeenPage;
  PhysicalAddress page;
  SeenPage seen = address_space::object_page(address, page);
  if (seen == SeenPage::kNone) {
    if (const Status status = touch_application(address, false); !status) return status.error();
    seen = address_space::object_page(address, page);
  }
  if (seen != SeenPage::kShared) return FutexWord{address, private_key(address)};
  return FutexWord{address, kPhysicalKey | (page.value + address % kPageSize)};
}

Result<unsigned> wake_futex(std::uint64_t address, unsigned count) {
  const Result<FutexWord> word = futex_word(address, true);
  if (!word) return word.error();
  return table.wake((*word).key, count, FutexTable::kAnyBit);
}

}  // namespace plumbline::linux_abi
