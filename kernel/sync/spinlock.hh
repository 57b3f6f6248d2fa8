// A spinlock for virtual CPUs: test and test-and-set (Anderson, IEEE TPDS 1(1), 1990), not fair.
//
// A fair lock hands itself to the waiter that came first, whether the host runs that one or not.
// With vCPUs that share a core it then waits for the host's scheduler at each hand-over, and two
// that take it in turn do not get out of that again. Here whoever runs and finds it free gets it;
// it is held so shortly that nobody waits long. Guest test: sync_spinlock_is_not_kept_for_a_waiter.
#pragma once

#ifdef PLUMBLINE_HOSTED
#include "sync/hosted/spinlock.hh"
#else

#include <atomic>
#include <cstdint>

#include "arch/x86_64/interrupts.hh"
#include "core/idle.hh"

// Takes a lock that another CPU holds. Not to be called but by Spinlock.
extern "C" [[gnu::no_caller_saved_registers]] void wait_for_spinlock(std::atomic<bool>* held);

namespace plumbline {

// Masks interrupts while held, so a handler of the same CPU cannot find it taken, and the holder is
// not preempted. Locks are released in the reverse order of taking them.
class Spinlock {
 public:
  constexpr Spinlock() = default;
  Spinlock(const Spinlock&) = delete;
  Spinlock& operator=(const Spinlock&) = delete;

  void lock() {
    const std::uint8_t enabled = interrupt_flag();
    mask_interrupts();
    lock_masked();
    were_enabled_ = enabled;
  }
  void unlock() {
    // Read before the release: the next holder overwrites it.
    const std::uint8_t enable = were_enabled_;
    unlock_masked();
    if (enable != 0) unmask_interrupts();
  }

  // The same for threads that have nothing masked, which need not find out.
  void lock_unmasked() {
    mask_interrupts();
    lock_masked();
  }
  void unlock_unmasked() {
    unlock_masked();
    unmask_interrupts();
  }

  // The same for callers that have masked interrupts already and will unmask them themselves.
  void lock_masked() {
    if (!try_lock_masked()) [[unlikely]] {
      // Keeps all registers, which no compiler knows of a function that it is told to call: who
      // takes a lock need not save those that a call may change.
      asm volatile("call wait_for_spinlock" : : "D"(&held_) : "memory", "cc");
    }
  }
  void unlock_masked() { held_.store(false, std::memory_order_release); }
  // Takes the lock if it is free; the caller has masked interrupts.
  bool try_lock_masked() { return !held_.exchange(true, std::memory_order_acquire); }

 private:
  std::atomic<bool> held_{false};
  std::uint8_t were_enabled_ = 0;
};

}  // namespace plumbline

#endif  // PLUMBLINE_HOSTED
