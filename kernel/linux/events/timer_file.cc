#include "linux/events/timer_file.hh"

#include <span>

#include "fs/io_cursor.hh"
#include "sync/interruptible_wait.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {

const char TimerFile::kKind = 0;

// In the timer's interrupt.
void TimerFile::expire(void* file) {
  auto& self = *static_cast<TimerFile*>(file);
  self.expired_.store(true, std::memory_order_release);
  self.wait_.wake_all();
  self.source_.notify(kPollIn);
}

void TimerFile::start() { timer_.start({next_}, expire, this); }

void TimerFile::account() {
  if (!expired_.load(std::memory_order_acquire)) return;
  expired_.store(false, std::memory_order_relaxed);
  std::uint64_t passed = 1;
  if (interval_.count != 0) {
    const Expiries expiries = advance_expiry(next_, interval_, monotonic_now());
    passed = expiries.missed + 1;
    next_ = expiries.next;
    start();
  } else {
    running_ = false;
  }
  count_.store(count_.load(std::memory_order_relaxed) + passed, std::memory_order_relaxed);
}

TimerFile::Setting TimerFile::get_locked() {
  account();
  Setting setting{interval_, {}};
  if (!running_) return setting;
  const Nanoseconds now = monotonic_now();
  // One that is due but has not been told yet still has an instant to go: zero means disarmed.
  setting.left = next_ > now ? next_ - now : Nanoseconds{1};
  return setting;
}

TimerFile::Setting TimerFile::get() {
  const LockGuard guard(lock_);
  return get_locked();
}

TimerFile::Setting TimerFile::set(Nanoseconds first, Nanoseconds interval, bool absolute) {
  const LockGuard guard(lock_);
  const Setting before = get_locked();
  timer_.cancel();
  expired_.store(false, std::memory_order_relaxed);
  count_.store(0, std::memory_order_relaxed);
  interval_ = interval;
  running_ = first.count != 0;
  if (running_) {
    next_ = absolute ? clock_.deadline(first).at : Deadline::after(first).at;
    start();
  }
  return before;
}

Result<std::size_t> TimerFile::read(IoCursor& to, std::uint64_t) {
  if (to.remaining() < sizeof(std::uint64_t)) return Errno::kEINVAL;
  for (;;) {
    std::uint64_t count;
    {
      const LockGuard guard(lock_);
      account();
      count = count_.exchange(0, std::memory_order_relaxed);
    }
    if (count != 0) {
      if (to.put(std::as_bytes(std::span(&count, 1))) != sizeof count) return Errno::kEFAULT;
      return sizeof count;
    }
    if (nonblocking()) return Errno::kEAGAIN;
    const Status waited = wait_interruptibly(wait_, [this] { return readable_now(); });
    if (!waited) return waited.error();
  }
}

}  // namespace plumbline::linux_abi
