// A spinlock that belongs to one CPU: there, taking it is masking interrupts, a load and a store.
//
// Biased locking, revoked by an asymmetric barrier (Dice, Moir and Scherer, "Quickly Reacquirable
// Locks", Sun Microsystems 2003; Linux's membarrier(2) is the same barrier). Code of one CPU that
// is masked excludes all other code of that CPU. As long as nobody else comes, that is enough, and
// there is no atomic read-modify-write. The first who comes from another CPU says so (kRevoking)
// and makes every other CPU take an interrupt. The owner answers outside of its section, since it
// is masked inside; from its answer on it sees the new state and takes the spinlock like everybody.
// So no section that began without the spinlock is left when the visitor takes it.
//
// After kQuietSections of its own without a visitor the home CPU takes the bias back: a revocation
// costs an interrupt to each CPU, 16 us and more on kvm_pvm, so that must be rare. Visitors that
// have seen the lock shared and wait for it are counted, and there is no bias while there are any.
// Guest test: sync_biased_lock_*.
#pragma once

#include <atomic>
#include <cstdint>

#include "sync/spinlock.hh"

#ifndef PLUMBLINE_HOSTED
#include "core/per_cpu.hh"
#endif

namespace plumbline {

#ifdef PLUMBLINE_HOSTED

// Hosted threads have no CPU of their own.
class BiasedLock : public Spinlock {
 public:
  void set_home(unsigned) {}
  bool is_shared() const { return true; }
};

#else

// For threads that have nothing masked and hold no lock; not for interrupt handlers. While held,
// interrupts are masked and the holder must not block.
class BiasedLock {
 public:
  constexpr BiasedLock() = default;
  BiasedLock(const BiasedLock&) = delete;
  BiasedLock& operator=(const BiasedLock&) = delete;

  // Whose it is, CPU 0's if nobody says. Before the first lock().
  void set_home(unsigned cpu) { home_ = cpu; }

  void lock() {
    mask_interrupts();
    // Masked, so neither this thread nor the bias can go anywhere between the test and the section.
    if (state_.load(std::memory_order_relaxed) == kBiased && this_cpu().index == home_) [[likely]] {
      // What the section reads and writes stays behind the test: the compiler must not move it, and
      // the CPU is ordered by the interrupt that a revocation sends it.
      std::atomic_signal_fence(std::memory_order_acquire);
      return;
    }
    lock_shared();
  }
  void unlock() {
    // Who got in by the bias need not find out: nobody has the spinlock then, because a visitor
    // takes it only after this CPU has unmasked.
    lock_.unlock_masked();
    unmask_interrupts();
  }

  // The same under the names that spinlocks have for callers with nothing masked.
  void lock_unmasked() { lock(); }
  void unlock_unmasked() { unlock(); }

  // For who has masked interrupts on the home CPU already, with another lock held: false when it is
  // taken.
  bool try_lock_at_home() {
    if (state_.load(std::memory_order_relaxed) == kBiased) [[likely]] {
      std::atomic_signal_fence(std::memory_order_acquire);
      return true;
    }
    return lock_.try_lock_masked();
  }
  void unlock_at_home() { lock_.unlock_masked(); }
  // Whether this CPU is the one; masked, else the answer may be out of date.
  bool is_home() const { return this_cpu().index == home_; }

  // Whether another CPU has come. For statistics and tests.
  bool is_shared() const { return state_.load(std::memory_order_relaxed) == kShared; }

 private:
  enum State : std::uint8_t { kBiased, kRevoking, kShared };
  // At a million sections a second a few milliseconds.
  static constexpr unsigned kQuietSections = 4096;

  void lock_shared();
  void lock_at_home();

  Spinlock lock_;
  std::atomic<std::uint8_t> state_{kBiased};
  unsigned home_ = 0;
  // Of other CPUs, between their look at the state and their having the spinlock.
  std::atomic<unsigned> visitors_{0};
  unsigned quiet_ = 0;  // sections at home since the last visitor's; of whoever has the spinlock
};

#endif

}  // namespace plumbline
