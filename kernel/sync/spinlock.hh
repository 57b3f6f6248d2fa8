// A fair spinlock (ticket lock: Mellor-Crummey and Scott, TOCS 9(1), 1991, section 2.2).
#pragma once

#include <atomic>
#include <cstdint>

#include "arch/x86_64/interrupts.hh"
#include "core/idle.hh"

namespace plumbline {

// Masks interrupts while held, so a handler of the same CPU cannot find it taken, and the holder is
// not preempted. Locks are released in the reverse order of taking them.
class Spinlock {
 public:
  constexpr Spinlock() = default;
  Spinlock(const Spinlock&) = delete;
  Spinlock& operator=(const Spinlock&) = delete;

  void lock() {
    const bool enabled = interrupts_enabled();
    mask_interrupts();
    lock_masked();
    were_enabled_ = enabled;
  }
  void unlock() {
    // Read before the release: the next holder overwrites it.
    const bool enable = were_enabled_;
    unlock_masked();
    if (enable) unmask_interrupts();
  }

  // The same for callers that have masked interrupts already and will unmask them themselves.
  void lock_masked() {
    // The ticket orders nothing; the acquire is on seeing it served, which pairs with the release
    // in unlock_masked.
    const std::uint16_t ticket = next_.fetch_add(1, std::memory_order_relaxed);
    while (serving_.load(std::memory_order_acquire) != ticket) cpu_relax();
  }
  void unlock_masked() {
    const std::uint16_t ticket = serving_.load(std::memory_order_relaxed);
    serving_.store(static_cast<std::uint16_t>(ticket + 1), std::memory_order_release);
  }
  // Takes the lock if it is free; the caller has masked interrupts.
  bool try_lock_masked() {
    std::uint16_t ticket = serving_.load(std::memory_order_relaxed);
    const auto following = static_cast<std::uint16_t>(ticket + 1);
    return next_.compare_exchange_strong(ticket, following, std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }
  // For assertions: somebody holds it.
  bool is_locked() const {
    return next_.load(std::memory_order_relaxed) != serving_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint16_t> next_{0};
  std::atomic<std::uint16_t> serving_{0};
  bool were_enabled_ = false;
};

}  // namespace plumbline
