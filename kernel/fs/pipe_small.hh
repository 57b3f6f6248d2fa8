// The commonest reads and writes of pipes, and their sleep, in line: what was written at once is
// read at once.
#pragma once

#include <utility>

#include "fs/pipe.hh"
#include "sync/interruptible_wait.hh"

namespace plumbline {

inline Status Pipe::sleep(Waiters& waiters) {
  Waiter waiter;
  // Before it is shown; a wake-up from here on is remembered.
  waiter.sleeper.prepare();
  waiters.push_back(&waiter);
  lock_.unlock();
  // After prepare(), which is a full fence: a signal that is not seen here wakes the thread.
  if (interruption_pending()) {
    waiter.sleeper.cancel();
  } else {
    waiter.sleeper.sleep(Deadline::never());
  }
  lock_.lock();
  if (!waiter.hook.linked()) [[likely]]
    return {};
  waiters.remove(&waiter);
  return interruption_pending() ? Status(Errno::kRestart) : Status();
}

[[gnu::always_inline]] inline std::size_t Pipe::read_small(std::uint64_t to, std::size_t length,
                                                           bool nonblocking) {
  std::size_t count = 0;
  lock_.lock();
  while (empty() && !nonblocking && writers_.load(std::memory_order_relaxed) != 0) {
    if (const Status slept = sleep(read_waiters_); !slept) [[unlikely]]
      break;
  }
  // Not full, so nobody waits for room; nothing is left, so no other reader needs to be woken.
  if (used_.load(std::memory_order_relaxed) == 1 && !full()) [[likely]] {
    Slot& from = slots_[first_];
    const std::size_t there = from.length;
    if (there <= length && copy_small_to_application(to, from.page + from.offset, there)) {
      if (spare_ == nullptr) [[likely]]
        spare_ = from.page;
      else
        give_page(from.page);
      first_ = 0;
      used_.store(0, std::memory_order_release);
      count = there;
    }
  }
  lock_.unlock();
  return count;
}

[[gnu::always_inline]] inline std::size_t Pipe::write_small(std::uint64_t from,
                                                            std::size_t length) {
  lock_.lock();
  // Without readers there is no spare page.
  if (spare_ != nullptr && empty() && copy_small_from_application(spare_, from, length))
      [[likely]] {
    // As `first_` says of an empty pipe.
    slots_[0] = {std::exchange(spare_, nullptr), 0, static_cast<std::uint16_t>(length), false};
    used_.store(1, std::memory_order_relaxed);
    wake_first(read_waiters_);
    // An exchange, and so on this architecture the full fence that notify_after() needs.
    lock_.unlock();
    tell_readers();
    return length;
  }
  lock_.unlock();
  return 0;
}

}  // namespace plumbline
