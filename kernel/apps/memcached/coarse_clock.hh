// The store's time: whole seconds, set by whoever runs the server.
#pragma once

#include <atomic>
#include <cstdint>

namespace plumbline::memcached {

// Reading the time costs a load, so that a request needs no TSC. The receive loop sets it when it
// idles and every so many packets; tests set it as they like. Relative time starts at 2, as in
// memcached: 0 says "never" and 1 "already expired".
class CoarseClock {
 public:
  static constexpr uint32_t kStart = 2;
  // Expiry times up to 30 days are relative, larger ones absolute (memcached's protocol.txt).
  static constexpr int64_t kRelativeLimit = 60 * 60 * 24 * 30;
  static constexpr uint32_t kNever = 0;
  static constexpr uint32_t kExpired = 1;

  // `unix_time`: seconds since 1970 now.
  explicit CoarseClock(uint64_t unix_time = kStart) : base_(unix_time - kStart) {}
  CoarseClock(const CoarseClock&) = delete;
  CoarseClock& operator=(const CoarseClock&) = delete;

  // Seconds since `kStart` before construction.
  uint32_t now() const { return now_.load(std::memory_order_relaxed); }
  uint64_t unix_now() const { return base_ + now(); }
  uint32_t uptime() const { return now() - kStart; }
  // Any thread may set the time; an older time is ignored as far as one thread can tell.
  void set_unix(uint64_t unix_time) {
    const auto relative = static_cast<uint32_t>(unix_time - base_);
    if (unix_time > base_ && relative > now()) now_.store(relative, std::memory_order_relaxed);
  }

  // An expiry time of the protocol in this clock's seconds: 0 stays "never", negative ones and
  // times in the past have expired.
  uint32_t expiry(int64_t given) const {
    if (given == 0) return kNever;
    if (given < 0) return kExpired;
    if (given <= kRelativeLimit) return now() + static_cast<uint32_t>(given);
    const auto absolute = static_cast<uint64_t>(given);
    if (absolute <= base_) return kExpired;
    const uint64_t relative = absolute - base_;
    // Past the end of 32-bit time there is no difference from "never".
    return relative > UINT32_MAX ? kNever : static_cast<uint32_t>(relative);
  }

 private:
  uint64_t base_;
  std::atomic<uint32_t> now_{kStart};
};

}  // namespace plumbline::memcached
