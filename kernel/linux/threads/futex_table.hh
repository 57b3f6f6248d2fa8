// Who waits on which word of memory (Franke, Russell, Kirkwood: "Fuss, Futexes and Furwocks", OLS
// 2002). Portable: no word about tasks or clocks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "core/clock.hh"
#include "core/intrusive_list.hh"
#include "core/result.hh"
#include "sync/sleeper.hh"
#include "sync/spinlock.hh"

namespace plumbline::linux_abi {

// The word of a priority-inheritance or robust futex (Linux, include/uapi/linux/futex.h).
inline constexpr std::uint32_t kFutexWaiters = 0x8000'0000, kFutexOwnerDied = 0x4000'0000,
                               kFutexOwner = 0x3fff'ffff;

// A word as the program names it, and what identifies it: the address again, or its place in memory
// that processes share.
struct FutexWord {
  std::uint64_t address;
  std::uint64_t key;
};

// What ends a wait besides a wake and its deadline.
using StopFunction = bool (*)();

class FutexTable {
 public:
  static constexpr std::uint32_t kAnyBit = ~std::uint32_t{0};

  // Sleeps if the word has the value expected. kEAGAIN: it has another one; kETIMEDOUT; kRestart:
  // `stop` said so; kEFAULT.
  Status wait(FutexWord word, std::uint32_t expected, std::uint32_t bits, Deadline deadline,
              StopFunction stop);
  // The same for a word of the program's (is_application_range), without a deadline, for all bits,
  // until a signal asks the thread not to wait (kRestart): what nearly all waits are.
  Status wait_for_ever(FutexWord word, std::uint32_t expected);
  // Wakes at most `count` waiters that share a bit with `bits`; returns how many. Not for callers
  // that have masked interrupts.
  unsigned wake(std::uint64_t key, unsigned count, std::uint32_t bits);
  // Wakes `wakes` waiters of the first and makes at most `moves` others wait for the second. When
  // `expected` is given, kEAGAIN unless the first word has that value. Returns how many in all.
  Result<unsigned> requeue(FutexWord from, FutexWord to, unsigned wakes, unsigned moves,
                           const std::uint32_t* expected);
  // Changes the second word as `operation` says, wakes waiters of the first, and of the second when
  // its old value compares as `operation` says (futex(2), FUTEX_WAKE_OP). kENOSYS: no such
  // operation.
  Result<unsigned> wake_with_operation(FutexWord first, FutexWord second, unsigned wakes,
                                       unsigned second_wakes, std::uint32_t operation);

  // Locks with an owner: the word holds the owner's number. No priorities are inherited: threads
  // run in turn, so that an owner that is preempted runs again soon whoever waits. Hand-over is to
  // who came first. kEDEADLK, kESRCH (the owner does not exist, `exists` says), kEAGAIN
  // (`only_try`), kETIMEDOUT, kRestart, kEFAULT.
  Status lock_owned(FutexWord word, std::uint32_t self, bool only_try, Deadline deadline,
                    StopFunction stop, bool (*exists)(std::uint32_t task));
  // kEPERM: `self` is not the owner.
  Status unlock_owned(FutexWord word, std::uint32_t self);

  // Of a robust list: if `self` holds it, marks it as one whose owner died and wakes, or makes the
  // owner, who waits.
  void owner_died(FutexWord word, std::uint32_t self, bool owned_kind);
  // The same for every lock with an owner that somebody waits for and `self` holds.
  void owner_died_everywhere(std::uint32_t self);

 private:
  struct Bucket;
  struct Waiter {
    Waiter(FutexWord waits_for, std::uint32_t wake_bits, std::uint32_t new_owner = 0)
        : word(waits_for), bits(wake_bits), owner_to_be(new_owner) {}
    // Whether a wake-up of this word is for it.
    bool wakes_for(std::uint64_t key, std::uint32_t wake_bits) const {
      return word.key == key && (bits & wake_bits) != 0 && owner_to_be == 0;
    }

    FutexWord word;
    std::uint32_t bits;
    std::uint32_t owner_to_be;  // not 0: waits to become the owner
    Sleeper sleeper;
    ListHook hook;
    // Where it waits; changes when it is requeued, under both buckets' locks.
    std::atomic<Bucket*> bucket{nullptr};
    // The last that a waker touches.
    std::atomic<bool> woken{false};
  };
  struct alignas(64) Bucket {
    Spinlock lock;
    IntrusiveList<Waiter, &Waiter::hook> waiters;
  };
  class BothLocks;

  Bucket& bucket_of(std::uint64_t key);
  Status sleep(Waiter& waiter, Deadline deadline, StopFunction stop);
  static bool withdraw(Waiter& waiter);
  static bool prepare_again(Waiter& waiter);
  static void wake_one(Bucket& bucket, Waiter& waiter);
  static unsigned wake_locked(Bucket& bucket, std::uint64_t key, unsigned count,
                              std::uint32_t bits);
  static Waiter* first_owner_to_be(Bucket& bucket, std::uint64_t key, bool& more);

  std::array<Bucket, 256> buckets_;
  // Waiters for locks with owners.
  std::atomic<unsigned> owners_to_be_{0};
};

inline FutexTable::Bucket& FutexTable::bucket_of(std::uint64_t key) {
  // Multiplicative hashing (Knuth, TAOCP 3, 6.4): the highest bits depend on all of the key's.
  return buckets_[(key >> 2) * 0x9e37'79b9'7f4a'7c15 >> 56];
}

inline void FutexTable::wake_one(Bucket& bucket, Waiter& waiter) {
  bucket.waiters.remove(&waiter);
  waiter.sleeper.wake_masked();
  // Release, and last: who sees it may be gone the next moment.
  waiter.woken.store(true, std::memory_order_release);
}

[[gnu::noinline]] inline unsigned FutexTable::wake_locked(Bucket& bucket, std::uint64_t key,
                                                          unsigned count, std::uint32_t bits) {
  unsigned woken = 0;
  for (Waiter* waiter = bucket.waiters.front(); waiter != nullptr && woken < count;) {
    Waiter* const next = bucket.waiters.next(waiter);
    if (waiter->wakes_for(key, bits)) {
      wake_one(bucket, *waiter);
      ++woken;
    }
    waiter = next;
  }
  return woken;
}

// In line where programs call it.
[[gnu::always_inline]] inline unsigned FutexTable::wake(std::uint64_t key, unsigned count,
                                                        std::uint32_t bits) {
  Bucket& bucket = bucket_of(key);
  unsigned woken = 0;
  bucket.lock.lock_unmasked();
  if (Waiter* const first = bucket.waiters.front(); first != nullptr) {
    // Nearly always one is to be woken, and nobody else is in the bucket.
    if (count == 1 && first->wakes_for(key, bits)) [[likely]] {
      wake_one(bucket, *first);
      woken = 1;
    } else {
      woken = wake_locked(bucket, key, count, bits);
    }
  }
  bucket.lock.unlock_unmasked();
  return woken;
}

}  // namespace plumbline::linux_abi
