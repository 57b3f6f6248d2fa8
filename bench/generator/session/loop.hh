// What a run asks of a polling loop, and the accounts that all of them keep.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "accounting/histogram.hh"
#include "accounting/slice.hh"
#include "session/context.hh"

namespace plumbline::generator {

enum class Interruption { kNone, kStopped, kLinkDown, kDeadline };

class Loop {
 public:
  static constexpr uint16_t kNoSlice = 0xffff;

  virtual ~Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Makes what the run needs before it begins, connections for instance. Throws CommandError.
  virtual void prepare() {}
  // Begins to send after a pause: an open loop's schedule starts anew, and requests from before the
  // pause are left out of the latencies.
  virtual void resume() = 0;
  // Sends and receives until the tick, or until the requests of limit_requests are answered or
  // lost.
  void send_until(uint64_t tick) { spin(tick, true); }
  // Receives until nothing is in flight or the tick; true when nothing is.
  bool drain_until(uint64_t tick) {
    spin(tick, false);
    return in_flight_ == 0;
  }
  // Waits until every request is answered or lost.
  void finish();

  // From now on exactly so many requests are sent.
  void limit_requests(uint64_t requests) { remaining_ = requests; }
  bool limit_reached() const { return remaining_ == 0 && in_flight_ == 0; }

  void begin_slice(uint16_t slice);
  void end_slice() { slice_ = kNoSlice; }
  // Brings the counters up to date that are not counted one by one.
  virtual void count() {}

  Interruption interruption() const { return interruption_; }
  const Counters& counters() const { return counters_; }
  const LoopCounters& loop_counters() const { return loop_; }
  Histogram& latency() { return latency_; }
  Histogram& connect_latency() { return connect_latency_; }
  uint64_t lost_in(uint16_t slice) const { return by_slice_[slice].lost; }
  uint64_t late_in(uint16_t slice) const { return by_slice_[slice].late; }
  const std::optional<std::string>& first_bad() const { return first_bad_; }

 protected:
  static constexpr uint64_t kUnlimited = ~uint64_t{0};
  // One request in so many is checked byte by byte when verify is "sampled".
  static constexpr uint64_t kSampleMask = 64 - 1;

  // Ends when `deadline_ticks` has come.
  Loop(Context& context, double loss_timeout_ms, uint64_t deadline_ticks);

  virtual void spin(uint64_t until, bool sending) = 0;
  // Looks, once in a while, for reasons to end: call it often.
  void look_around(uint64_t now);
  void report_bad(const char* reason, std::span<const uint8_t> bytes);
  // A request that was sent in that slice is lost, or its reply came late.
  void count_lost(uint16_t slice) {
    ++counters_.lost;
    if (slice != kNoSlice) ++by_slice_[slice].lost;
  }
  void count_late(uint16_t slice) {
    ++counters_.late;
    if (slice != kNoSlice) ++by_slice_[slice].late;
  }

  Context& context_;
  const uint64_t loss_ticks_;
  const uint64_t deadline_;
  uint64_t in_flight_ = 0;
  uint64_t remaining_ = kUnlimited;
  uint64_t resumed_at_ = 0;
  uint16_t slice_ = kNoSlice;
  Interruption interruption_ = Interruption::kNone;
  Counters counters_;
  LoopCounters loop_;
  Histogram latency_;
  Histogram connect_latency_;

 private:
  struct SliceLosses {
    uint64_t lost = 0;
    uint64_t late = 0;
  };

  uint64_t next_check_ = 0;
  uint64_t next_link_check_ = 0;
  std::vector<SliceLosses> by_slice_;
  std::optional<std::string> first_bad_;
};

}  // namespace plumbline::generator
