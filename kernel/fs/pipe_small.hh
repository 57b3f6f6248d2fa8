// The commonest reads and writes of pipes, and their sleep, in line: what was written at once is
// read at once.
#pragma once

#include <utility>

#include "fs/pipe.hh"

namespace plumbline {

template <Pipe::Ready kReady>
inline Status Pipe::sleep(Waiters& waiters) {
  Waiter waiter;
  wait_lock_.lock_unmasked();
  // In this order: either what is waited for is seen here, or this waiter in the list by who stores
  // it.
  waiters.add(waiter);
  const bool needed = !(this->*kReady)();
  if (!needed || !waiter.sleeper.sleep_releasing(wait_lock_)) [[unlikely]] {
    withdraw(waiters, waiter);
    return needed ? Status(Errno::kRestart) : Status();
  }
  if (!waiter.woken.load(std::memory_order_acquire)) [[unlikely]] {
    // The wake came from elsewhere; or a waker is about its last access, with the lock.
    wait_lock_.lock_unmasked();
    withdraw(waiters, waiter);
  }
  return {};
}

[[gnu::always_inline]] inline std::size_t Pipe::read_small(std::uint64_t to, std::size_t length,
                                                           bool nonblocking) {
  if (empty()) {
    if (nonblocking || writers_.load(std::memory_order_relaxed) == 0) return 0;
    if (!sleep<&Pipe::readable_now>(read_waiters_)) [[unlikely]]
      return 0;
  }
  lock_.lock();
  // Another reader may have been quicker.
  if (used_.load(std::memory_order_relaxed) == 1) [[likely]] {
    Slot& from = slots_[first_];
    const std::size_t there = from.length;
    // With room for more, so nobody waits for it; nothing is left, so no other reader needs to be
    // woken.
    if (there <= length && slots_count_.load(std::memory_order_relaxed) != 1 &&
        copy_small_to_application(to, from.page + from.offset, there)) [[likely]] {
      if (spare_ == nullptr) [[likely]]
        spare_ = from.page;
      else
        give_page(from.page);
      first_ = 0;
      used_.store(0, std::memory_order_release);
      lock_.unlock();
      // No slot is empty.
      if (there == 0) __builtin_unreachable();
      return there;
    }
  }
  lock_.unlock();
  return 0;
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
    lock_.unlock();
    // The exchange in it is the full fence that tell_readers() needs; the compiler must know, too.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    tell_readers();
    return length;
  }
  lock_.unlock();
  return 0;
}

}  // namespace plumbline
