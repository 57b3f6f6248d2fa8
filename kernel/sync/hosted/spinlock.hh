// The spinlock of hosted builds: a mutex, which the thread sanitizer understands.
#pragma once

#include <mutex>

namespace plumbline {

class Spinlock {
 public:
  constexpr Spinlock() = default;
  Spinlock(const Spinlock&) = delete;
  Spinlock& operator=(const Spinlock&) = delete;

  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }
  void lock_unmasked() { mutex_.lock(); }
  void unlock_unmasked() { mutex_.unlock(); }
  void lock_masked() { mutex_.lock(); }
  void unlock_masked() { mutex_.unlock(); }
  bool try_lock_masked() { return mutex_.try_lock(); }

 private:
  std::mutex mutex_;
};

}  // namespace plumbline
