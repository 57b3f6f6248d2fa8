// A lock that sleeps. Not for interrupt handlers.
#pragma once

#ifdef PLUMBLINE_HOSTED
#include "sync/hosted/mutex.hh"
#else

#include <atomic>
#include <cstdint>

#include "sync/lock_guard.hh"
#include "sync/wait_queue.hh"

namespace plumbline {

class Mutex {
 public:
  constexpr Mutex() = default;

  void lock() {
    std::uint32_t expected = kFree;
    // Acquire pairs with the release in unlock.
    if (!state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
      lock_slow();
    }
  }
  bool try_lock() {
    std::uint32_t expected = kFree;
    return state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }
  void unlock() {
    if (state_.exchange(kFree, std::memory_order_release) == kContended) waiters_.wake_one();
  }

 private:
  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kHeld = 1;
  static constexpr std::uint32_t kContended = 2;  // held, and somebody may be asleep

  void lock_slow();

  std::atomic<std::uint32_t> state_{kFree};
  WaitQueue waiters_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_HOSTED
