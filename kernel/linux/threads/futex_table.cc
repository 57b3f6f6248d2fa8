#include "linux/threads/futex_table.hh"

#include "memory/application_memory.hh"
#include "memory/application_words.hh"
#include "sync/interruptible_wait.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {

// Two buckets, or one, locked in the order of their addresses.
class FutexTable::BothLocks {
 public:
  BothLocks(Bucket& a, Bucket& b) : first_(&a < &b ? a : b), second_(&a < &b ? b : a) {
    first_.lock.lock();
    if (&second_ != &first_) second_.lock.lock();
  }
  ~BothLocks() {
    if (&second_ != &first_) second_.lock.unlock();
    first_.lock.unlock();
  }
  BothLocks(const BothLocks&) = delete;
  BothLocks& operator=(const BothLocks&) = delete;

 private:
  Bucket& first_;
  Bucket& second_;
};

bool FutexTable::withdraw(Waiter& waiter) {
  for (;;) {
    Bucket& bucket = *waiter.bucket.load(std::memory_order_relaxed);
    const LockGuard guard(bucket.lock);
    if (waiter.bucket.load(std::memory_order_relaxed) != &bucket) continue;
    if (!waiter.hook.linked()) return false;
    bucket.waiters.remove(&waiter);
    return true;
  }
}

// After a wake without a cause, as it seems: a waker may be between waking the thread and saying
// so. It holds the bucket's lock meanwhile. False: the waiter has been woken.
bool FutexTable::prepare_again(Waiter& waiter) {
  for (;;) {
    Bucket& bucket = *waiter.bucket.load(std::memory_order_relaxed);
    const LockGuard guard(bucket.lock);
    if (waiter.bucket.load(std::memory_order_relaxed) != &bucket) continue;
    if (!waiter.hook.linked()) return false;
    waiter.sleeper.prepare();
    return true;
  }
}

// The waiter is in its bucket and prepared to sleep.
Status FutexTable::sleep(Waiter& waiter, Deadline deadline, StopFunction stop) {
  for (;;) {
    if (stop()) {
      waiter.sleeper.cancel();
      if (withdraw(waiter)) return Errno::kRestart;
      return {};
    }
    const bool in_time = waiter.sleeper.sleep(deadline);
    // Acquire: what the waker did before comes before what this thread does now.
    if (waiter.woken.load(std::memory_order_acquire)) return {};
    if (!in_time) {
      if (withdraw(waiter)) return Errno::kETIMEDOUT;
      return {};
    }
    if (!prepare_again(waiter)) return {};
  }
}

Status FutexTable::wait(FutexWord word, std::uint32_t expected, std::uint32_t bits,
                        Deadline deadline, StopFunction stop) {
  Waiter waiter(word, bits);
  Bucket& bucket = bucket_of(word.key);
  for (bool waiting = false; !waiting;) {
    {
      const LockGuard guard(bucket.lock);
      std::uint32_t value;
      // Under the lock: who changes the word and then wakes finds the waiter, or is seen here.
      if (load_word_atomically(value, word.address)) {
        if (value != expected) return Errno::kEAGAIN;
        waiter.bucket.store(&bucket, std::memory_order_relaxed);
        waiter.sleeper.prepare();
        bucket.waiters.push_back(&waiter);
        waiting = true;
      }
    }
    if (!waiting) {
      if (const Status status = touch_application(word.address, false); !status) return status;
    }
  }
  return sleep(waiter, deadline, stop);
}

Status FutexTable::wait_for_ever(FutexWord word, std::uint32_t expected) {
  Bucket& bucket = bucket_of(word.key);
  std::uint32_t value;
  bucket.lock.lock_unmasked();
  while (!load_word_at_once(value, word.address)) [[unlikely]] {
      bucket.lock.unlock_unmasked();
      if (const Status status = touch_application(word.address, false); !status) return status;
      bucket.lock.lock_unmasked();
    }
  if (value != expected) {
    bucket.lock.unlock_unmasked();
    return Errno::kEAGAIN;
  }
  Waiter waiter(word, kAnyBit);
  waiter.bucket.store(&bucket, std::memory_order_relaxed);
  bucket.waiters.push_back(&waiter);
  if (!waiter.sleeper.sleep_releasing(bucket.lock)) {
    bucket.waiters.remove(&waiter);
    bucket.lock.unlock_unmasked();
    return Errno::kRestart;
  }
  // Acquire: what the waker did before comes before what this thread does now.
  if (waiter.woken.load(std::memory_order_acquire) || !prepare_again(waiter)) return {};
  return sleep(waiter, Deadline::never(), interruption_pending);
}

Result<unsigned> FutexTable::requeue(FutexWord from, FutexWord to, unsigned wakes, unsigned moves,
                                     const std::uint32_t* expected) {
  Bucket& source = bucket_of(from.key);
  Bucket& target = bucket_of(to.key);
  for (;;) {
    {
      const BothLocks locks(source, target);
      std::uint32_t value = 0;
      if (expected == nullptr || load_word_atomically(value, from.address)) {
        if (expected != nullptr && value != *expected) return Errno::kEAGAIN;
        unsigned done = wake_locked(source, from.key, wakes, kAnyBit);
        if (from.key == to.key) return done;
        unsigned moved = 0;
        for (Waiter* waiter = source.waiters.front(); waiter != nullptr && moved < moves;) {
          Waiter* const next = source.waiters.next(waiter);
          if (waiter->word.key == from.key && waiter->owner_to_be == 0) {
            source.waiters.remove(waiter);
            waiter->word = to;
            waiter->bucket.store(&target, std::memory_order_relaxed);
            target.waiters.push_back(waiter);
            ++moved;
          }
          waiter = next;
        }
        return done + moved;
      }
    }
    if (const Status status = touch_application(from.address, false); !status)
      return status.error();
  }
}

namespace {

// FUTEX_OP's parts (Linux, include/uapi/linux/futex.h).
struct WordOperation {
  unsigned operation, comparison;
  std::uint32_t argument;
  std::int32_t compared;

  explicit WordOperation(std::uint32_t code)
      : operation(code >> 28 & 7),
        comparison(code >> 24 & 15),
        argument(code >> 12 & 0xfff),
        compared(static_cast<std::int32_t>(code << 20) >> 20) {
    if ((code >> 31) != 0) {
      argument = std::uint32_t{1} << (argument & 31);
    } else {
      // Twelve bits with a sign.
      argument = static_cast<std::uint32_t>(static_cast<std::int32_t>(argument << 20) >> 20);
    }
  }
  bool valid() const { return operation <= 4 && comparison <= 5; }
  std::uint32_t apply(std::uint32_t old) const {
    switch (operation) {
      case 0:
        return argument;
      case 1:
        return old + argument;
      case 2:
        return old | argument;
      case 3:
        return old & ~argument;
      default:
        return old ^ argument;
    }
  }
  bool compare(std::uint32_t value) const {
    const auto old = static_cast<std::int32_t>(value);
    switch (comparison) {
      case 0:
        return old == compared;
      case 1:
        return old != compared;
      case 2:
        return old < compared;
      case 3:
        return old <= compared;
      case 4:
        return old > compared;
      default:
        return old >= compared;
    }
  }
};

}  // namespace

Result<unsigned> FutexTable::wake_with_operation(FutexWord first, FutexWord second, unsigned wakes,
                                                 unsigned second_wakes, std::uint32_t code) {
  const WordOperation operation(code);
  if (!operation.valid()) return Errno::kENOSYS;
  Bucket& one = bucket_of(first.key);
  Bucket& two = bucket_of(second.key);
  for (;;) {
    {
      const BothLocks locks(one, two);
      std::uint32_t old;
      bool present = load_word_atomically(old, second.address);
      while (present) {
        std::uint32_t seen = old;
        present = compare_exchange_word(second.address, seen, operation.apply(old));
        if (present && seen == old) {
          unsigned woken = wake_locked(one, first.key, wakes, kAnyBit);
          if (operation.compare(old)) woken += wake_locked(two, second.key, second_wakes, kAnyBit);
          return woken;
        }
        old = seen;
      }
    }
    if (const Status status = touch_application(second.address, true); !status)
      return status.error();
  }
}

}  // namespace plumbline::linux_abi
