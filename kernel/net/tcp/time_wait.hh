// TIME-WAIT: a small record answers for a connection that has ended, until no old segment of it can
// be on its way any more (RFC 9293, section 3.6).
#pragma once

#include "core/intrusive_list.hh"
#include "net/tcp/flow_table.hh"
#include "net/tcp/slab.hh"
#include "net/tcp/timer_wheel.hh"

namespace plumbline::net::tcp {

// What the connection knew last.
struct TimeWaitState {
  Sequence send_next;
  Sequence receive_next;
  uint32_t recent_timestamp = 0;  // TS.Recent
  uint32_t timestamp_offset = 0;
  uint16_t window = 0;  // as it stood in the last segment's header
  bool timestamps = false;
  uint8_t traffic_class = 0;
};

struct TimeWait : Flow {
  TimeWait(const FlowKey& flow_key, const TimeWaitState& known, Nanoseconds end)
      : Flow{flow_key, FlowKind::kTimeWait}, state(known), expires(end) {}

  TimeWaitState state;
  Nanoseconds expires;
  ListHook hook;
};
static_assert(sizeof(TimeWait) <= 96);

enum class TimeWaitVerdict : uint8_t {
  kNothing,
  kAcknowledge,    // tell the peer where we are
  kNewConnection,  // a SYN that may take the record's place
};

// The records of one stack. All last equally long, so a list in the order of their beginning is one
// in the order of their end, and a single timer is enough. When there are too many, the oldest
// goes.
class TimeWaits {
 public:
  TimeWaits(FlowTable& flows, TimerWheel& timers, const MemorySource& source, uint32_t limit,
            Nanoseconds duration);
  ~TimeWaits();
  TimeWaits(const TimeWaits&) = delete;
  TimeWaits& operator=(const TimeWaits&) = delete;

  // A record takes the place of `connection` in the table of flows; without memory nothing does.
  void add(Flow& connection, const TimeWaitState& state, Nanoseconds now);
  // Judges a segment (RFC 9293, section 3.10.7.4; RFC 1337; RFC 6191), which is not taken over.
  TimeWaitVerdict receive(TimeWait& record, const Segment& segment, Nanoseconds now);
  // Whether a connection of our own may take the record's place (as Linux's tcp_tw_reuse): with
  // timestamps, which keep the old segments apart (RFC 7323, appendix B.2 (b)), after one second.
  bool may_open(const TimeWait& record, Nanoseconds now) const {
    return record.state.timestamps && now + duration_ >= record.expires + seconds(1);
  }
  // Ends a record and takes it out of the table.
  void remove(TimeWait& record);
  void clear();

  uint32_t size() const { return records_.size(); }
  size_t bytes() const { return records_.bytes(); }
  // Records that had to go early.
  uint64_t evicted() const { return evicted_; }

 private:
  // Records ended in one go; then others have their turn.
  static constexpr unsigned kAtOnce = 128;
  static constexpr Nanoseconds kPause = milliseconds(1);

  void expire(Nanoseconds now);

  FlowTable& flows_;
  TimerWheel& timers_;
  Nanoseconds duration_;
  Slab<TimeWait, 16 * kKiB> records_;
  IntrusiveList<TimeWait, &TimeWait::hook> oldest_first_;
  Timer timer_{TimerKind::kTimeWait};
  uint64_t evicted_ = 0;
};

}  // namespace plumbline::net::tcp
