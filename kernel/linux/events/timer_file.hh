// Timers as files: timerfd_create(2).
#pragma once

#include <atomic>
#include <cstdint>

#include "fs/anonymous_file.hh"
#include "linux/time/clocks.hh"
#include "linux/time/timespec.hh"
#include "sched/timer.hh"

namespace plumbline::linux_abi {

// An expiry only makes the file readable. Further ones of a periodic timer are counted from the
// clock when somebody asks, and the hardware timer is started again then: a short interval costs
// nothing while nobody reads.
class TimerFile final : public AnonymousFile {
 public:
  // A clock that does not count CPU time.
  TimerFile(const Clock& clock, std::uint32_t flags)
      : AnonymousFile("[timerfd]", kOpenReadWrite | flags), clock_(clock) {}

  // Both are spans from now, or with `absolute` the first expiry is a point of the clock; zero
  // disarms. Returns what gettime would have before.
  struct Setting {
    Nanoseconds interval, left;
  };
  Setting set(Nanoseconds first, Nanoseconds interval, bool absolute);
  Setting get();

  // The number of expiries since the last read, as 8 bytes.
  Result<std::size_t> read(IoCursor& to, std::uint64_t offset) override;
  PollEvents poll() override { return readable_now() ? kPollIn : 0; }
  PollSource* poll_source() override { return &source_; }
  const void* kind() const override { return &kKind; }
  static const char kKind;

 private:
  ~TimerFile() override { timer_.cancel(); }

  bool readable_now() const {
    return expired_.load(std::memory_order_acquire) || count_.load(std::memory_order_relaxed) != 0;
  }
  void start();
  static void expire(void* file);
  // With the lock: counts expiries that have passed and starts the next.
  void account();
  Setting get_locked();

  const Clock clock_;
  Mutex lock_;
  Timer timer_;
  bool running_ = false;  // there is a next expiry
  Nanoseconds next_;      // monotonic
  Nanoseconds interval_;
  // Set by the timer; count_ has the expiries that are accounted for.
  std::atomic<bool> expired_{false};
  std::atomic<std::uint64_t> count_{0};
  WaitQueue wait_;
  PollSource source_;
};

}  // namespace plumbline::linux_abi
