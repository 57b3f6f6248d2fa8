// Locks whose word holds their owner: FUTEX_LOCK_PI and its like, and what becomes of robust locks.
#include "linux/threads/futex_table.hh"
#include "memory/application_memory.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {

FutexTable::Waiter* FutexTable::first_owner_to_be(Bucket& bucket, std::uint64_t key, bool& more) {
  Waiter* first = nullptr;
  more = false;
  for (Waiter& waiter : bucket.waiters) {
    if (waiter.word.key != key || waiter.owner_to_be == 0) continue;
    if (first != nullptr) {
      more = true;
      break;
    }
    first = &waiter;
  }
  return first;
}

Status FutexTable::lock_owned(FutexWord word, std::uint32_t self, bool only_try, Deadline deadline,
                              StopFunction stop, bool (*exists)(std::uint32_t task)) {
  Waiter waiter(word, kAnyBit, self);
  Bucket& bucket = bucket_of(word.key);
  for (bool waiting = false; !waiting;) {
    {
      const LockGuard guard(bucket.lock);
      std::uint32_t value;
      bool present = load_word_atomically(value, word.address);
      while (present && !waiting) {
        const std::uint32_t owner = value & kFutexOwner;
        if (owner == self) return Errno::kEDEADLK;
        std::uint32_t wanted = value | kFutexWaiters;
        if (owner == 0) {
          bool more;
          const bool others = first_owner_to_be(bucket, word.key, more) != nullptr;
          wanted = self | (value & kFutexOwnerDied) | (others ? kFutexWaiters : 0);
        } else if (only_try) {
          return Errno::kEAGAIN;
        }
        std::uint32_t seen = value;
        present = compare_exchange_word(word.address, seen, wanted);
        if (!present) break;
        if (seen != value) {
          value = seen;
          continue;
        }
        if (owner == 0) return {};
        // As on Linux the word says by now that somebody waits.
        if (!exists(owner)) return Errno::kESRCH;
        waiter.bucket.store(&bucket, std::memory_order_relaxed);
        waiter.sleeper.prepare();
        bucket.waiters.push_back(&waiter);
        owners_to_be_.fetch_add(1, std::memory_order_relaxed);
        waiting = true;
      }
    }
    if (!waiting) {
      if (const Status status = touch_application(word.address, true); !status) return status;
    }
  }
  const Status status = sleep(waiter, deadline, stop);
  owners_to_be_.fetch_sub(1, std::memory_order_relaxed);
  return status;
}

Status FutexTable::unlock_owned(FutexWord word, std::uint32_t self) {
  Bucket& bucket = bucket_of(word.key);
  for (;;) {
    {
      const LockGuard guard(bucket.lock);
      std::uint32_t value;
      bool present = load_word_atomically(value, word.address);
      while (present) {
        if ((value & kFutexOwner) != self) return Errno::kEPERM;
        bool more;
        Waiter* next = first_owner_to_be(bucket, word.key, more);
        std::uint32_t seen = value;
        const std::uint32_t wanted =
            next == nullptr ? 0 : next->owner_to_be | (more ? kFutexWaiters : 0);
        present = compare_exchange_word(word.address, seen, wanted);
        if (present && seen == value) {
          if (next != nullptr) wake_one(bucket, *next);
          return {};
        }
        value = seen;
      }
    }
    if (const Status status = touch_application(word.address, true); !status) return status;
  }
}

void FutexTable::owner_died(FutexWord word, std::uint32_t self, bool owned_kind) {
  Bucket& bucket = bucket_of(word.key);
  for (;;) {
    {
      const LockGuard guard(bucket.lock);
      std::uint32_t value;
      bool present = load_word_atomically(value, word.address);
      while (present) {
        if ((value & kFutexOwner) != self) return;
        bool more = false;
        Waiter* next = owned_kind ? first_owner_to_be(bucket, word.key, more) : nullptr;
        const std::uint32_t wanted =
            next == nullptr ? (value & kFutexWaiters) | kFutexOwnerDied
                            : next->owner_to_be | kFutexOwnerDied | (more ? kFutexWaiters : 0);
        std::uint32_t seen = value;
        present = compare_exchange_word(word.address, seen, wanted);
        if (present && seen == value) {
          if (next != nullptr) {
            wake_one(bucket, *next);
          } else if (!owned_kind && (value & kFutexWaiters) != 0) {
            wake_locked(bucket, word.key, 1, kAnyBit);
          }
          return;
        }
        value = seen;
      }
    }
    if (!touch_application(word.address, true)) return;
  }
}

void FutexTable::owner_died_everywhere(std::uint32_t self) {
  // Usually there is nobody, and the buckets need not be looked at.
  if (owners_to_be_.load(std::memory_order_relaxed) == 0) return;
  for (Bucket& bucket : buckets_) {
    // As often as the bucket may hold such locks, and not for ever if one cannot be written to.
    for (unsigned tries = 0; tries < 4096; ++tries) {
      FutexWord held{};
      {
        const LockGuard guard(bucket.lock);
        for (Waiter& waiter : bucket.waiters) {
          std::uint32_t value;
          if (waiter.owner_to_be == 0 || !load_word_atomically(value, waiter.word.address) ||
              (value & kFutexOwner) != self)
            continue;
          held = waiter.word;
          break;
        }
      }
      if (held.address == 0) break;
      owner_died(held, self, true);
    }
  }
}

}  // namespace plumbline::linux_abi
