#include "fs/eventfd.hh"

#include <span>

#include "sync/interruptible_wait.hh"

namespace plumbline {

const char EventCounter::kKind = 0;

// Acquire and release throughout: who reads the counter sees what its writer did before.
std::uint64_t EventCounter::take() {
  std::uint64_t seen = count_.load(std::memory_order_relaxed);
  while (seen != 0) {
    const std::uint64_t left = semaphore_ ? seen - 1 : 0;
    if (count_.compare_exchange_weak(seen, left, std::memory_order_acq_rel)) return seen - left;
  }
  return 0;
}

bool EventCounter::add(std::uint64_t value) {
  std::uint64_t seen = count_.load(std::memory_order_relaxed);
  while (value <= kMost - seen) {
    if (count_.compare_exchange_weak(seen, seen + value, std::memory_order_acq_rel)) return true;
  }
  return false;
}

Result<std::size_t> EventCounter::read(IoCursor& to, std::uint64_t) {
  if (to.remaining() < sizeof(std::uint64_t)) return Errno::kEINVAL;
  std::uint64_t value = take();
  if (value == 0) {
    if (nonblocking()) return Errno::kEAGAIN;
    const auto there = [&] { return count_.load(std::memory_order_acquire) != 0; };
    // Another reader may be quicker.
    do {
      if (read_wait_.sleep_unless(there) == SleepResult::kInterrupted) return Errno::kRestart;
    } while ((value = take()) == 0);
  }
  write_wait_.wake_all();
  source_.notify(kPollOut | kPollWriteNormal);
  if (to.put(std::as_bytes(std::span(&value, 1))) != sizeof value) return Errno::kEFAULT;
  return sizeof value;
}

Result<std::size_t> EventCounter::write(IoCursor& from, std::uint64_t&) {
  std::uint64_t value;
  if (from.remaining() < sizeof value) return Errno::kEINVAL;
  if (from.take(std::as_writable_bytes(std::span(&value, 1))) != sizeof value)
    return Errno::kEFAULT;
  if (value > kMost) return Errno::kEINVAL;
  if (!add(value)) {
    if (nonblocking()) return Errno::kEAGAIN;
    const Status waited = wait_interruptibly(write_wait_, [&] { return add(value); });
    if (!waited) return waited.error();
  }
  // All: with a semaphore several may go on, without one the others look in vain.
  read_wait_.wake_all();
  source_.notify(kPollIn | kPollReadNormal);
  return sizeof value;
}

PollEvents EventCounter::poll() {
  const std::uint64_t count = count_.load(std::memory_order_acquire);
  PollEvents events = 0;
  if (count > 0) events |= kPollIn;
  if (count < kMost) events |= kPollOut;
  return events;
}

}  // namespace plumbline
