// Sleeper for hosted builds.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "core/clock.hh"
#include "sync/spinlock.hh"

namespace plumbline {

class Sleeper {
 public:
  void prepare() {
    const std::lock_guard guard(lock_);
    woken_ = false;
  }
  void cancel() {}
  bool sleep(Deadline deadline) {
    std::unique_lock guard(lock_);
    if (deadline.is_never()) {
      wake_.wait(guard, [&] { return woken_; });
      return true;
    }
    const std::chrono::steady_clock::time_point until{
        std::chrono::nanoseconds(static_cast<std::int64_t>(deadline.at.count))};
    return wake_.wait_until(guard, until, [&] { return woken_; });
  }
  bool sleep_releasing(Spinlock& lock) {
    prepare();
    lock.unlock_unmasked();
    return sleep(Deadline::never());
  }
  void wake() {
    const std::lock_guard guard(lock_);
    woken_ = true;
    wake_.notify_one();
  }
  void wake_masked() { wake(); }

 private:
  std::mutex lock_;
  std::condition_variable wake_;
  bool woken_ = false;
};

}  // namespace plumbline
