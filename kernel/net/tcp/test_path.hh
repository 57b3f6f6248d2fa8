// For hosted tests: a sender that is nothing but LossRecovery, a receiver that keeps what arrives
// and answers as RFC 2018, 2883 and 7323 say, and a path between them, in virtual time.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <queue>
#include <random>
#include <vector>

#include "net/tcp/loss_recovery.hh"
#include "net/tcp/test_memory.hh"

namespace plumbline::net::tcp {

struct PathOptions {
  uint32_t seed = 1;
  uint32_t bytes = 1 << 20;  // to be sent
  bool sack = true;
  bool timestamps = true;
  bool dsack = true;
  CongestionAlgorithm algorithm = CongestionAlgorithm::kCubic;
  uint32_t segments_per_frame = 1;
  uint32_t window = 1 << 20;  // the receiver's
  // The path. Probabilities are of 10,000; delays are one way.
  uint32_t loss = 0;
  uint32_t loss_of_acks = 0;
  uint32_t duplicated = 0;
  uint32_t reordered = 0;  // delayed by up to `jitter`
  Nanoseconds jitter = {};
  Nanoseconds delay = milliseconds(10);
  // A bottleneck: time for a segment, and how many it queues. 0: none.
  Nanoseconds serialisation = {};
  uint32_t queue = 50;
  // Segments that find so many queued are marked instead of sent on as they are. 0: no ECN.
  uint32_t mark_above = 0;
  uint32_t acknowledge_every = 1;
  Nanoseconds stall_at = {};  // all that is under way then waits for `stall`
  Nanoseconds stall = {};
  uint32_t records = 100000;
};

class TestPath {
 public:
  static constexpr uint32_t kMss = 1000;
  static constexpr Sequence kFirst{0xfff80000};

  explicit TestPath(const PathOptions& options)
      : options_(options),
        random_(options.seed),
        pool(memory.source(), options.records, 1),
        domain{pool},
        recovery(domain) {
    recovery.start({.first = kFirst,
                    .mss = kMss,
                    .sack = options.sack,
                    .timestamps = options.timestamps,
                    .algorithm = options.algorithm});
    received_next_ = kFirst;
    edge_ = kFirst + options.window;
  }

  // Until all is acknowledged, nothing can happen any more, or `limit` has passed. `check` is
  // called after each event. True: all was delivered.
  template <class Check>
  bool run(Nanoseconds limit, Check&& check) {
    const Nanoseconds end = now + limit;
    output();
    while (recovery.una() != kFirst + options_.bytes) {
      check();
      const Nanoseconds timer = recovery.deadline();
      const bool event = !events_.empty() && events_.top().at <= timer;
      if (!event && timer == LossRecovery::kNever) return false;
      now = std::max(now, event ? events_.top().at : timer);
      if (now > end) return false;
      if (event) {
        const Event next = events_.top();
        events_.pop();
        if (next.kind == Kind::kAck)
          receive_ack(next);
        else if (next.kind == Kind::kSegment)
          receive_segment(next);
        else if (next.order == delayed_)
          acknowledge(std::nullopt, {received_next_, received_next_});
      } else {
        expire();
      }
    }
    check();
    return true;
  }
  uint32_t lost() const { return lost_; }
  uint32_t sent_segments() const { return sent_; }
  uint64_t trace() const { return trace_; }

  TestMemory memory;

 private:
  enum class Kind : uint8_t { kSegment, kAck, kDelayedAck };
  struct Event {
    Nanoseconds at;
    uint64_t order;
    Kind kind;
    SequenceRange range;  // of a segment
    uint32_t timestamp;   // TSval of a segment, TSecr of an ACK
    bool marked;          // CE of a segment, ECE of an ACK
    bool reduced;         // CWR
    Sequence number;      // of an ACK
    std::vector<SequenceRange> sacks;
    bool operator<(const Event& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  bool chance(uint32_t of_ten_thousand) { return random_() % 10000 < of_ten_thousand; }
  uint32_t unsent() const {
    return options_.bytes - static_cast<uint32_t>(recovery.next() - kFirst);
  }
  uint32_t window_left() const {
    return edge_ > recovery.next() ? static_cast<uint32_t>(edge_ - recovery.next()) : 0;
  }
  bool new_data() const { return unsent() != 0 && window_left() >= std::min(unsent(), kMss); }

  void output() {
    const uint32_t most = options_.segments_per_frame * kMss;
    while (const auto range = recovery.next_retransmission(most, new_data())) {
      transmit(*range);
      recovery.retransmitted(*range, kMss, now);
    }
    while (new_data() && recovery.can_send()) {
      const uint32_t room = std::min({recovery.allowed(), window_left(), most});
      uint32_t length = std::min(room, unsent());
      if (length < std::min(kMss, unsent())) break;
      if (length > kMss && length < unsent()) length -= length % kMss;
      send_new(length);
    }
  }
  void send_new(uint32_t length) {
    const SequenceRange range{recovery.next(), recovery.next() + length};
    transmit(range);
    recovery.sent(range, kMss, now);
  }
  void expire() {
    switch (recovery.on_timer(now)) {
      case TimerAction::kNone:
        break;
      case TimerAction::kProbe:
        if (new_data()) {
          send_new(std::min(kMss, unsent()));
          recovery.probed(true);
        } else {
          transmit(recovery.probe());
          recovery.retransmitted(recovery.probe(), kMss, now);
          recovery.probed(false);
        }
        break;
      case TimerAction::kRetransmit:
      case TimerAction::kTimeout:
        output();
        break;
    }
  }

  void transmit(SequenceRange range) {
    for (Sequence at = range.begin; at < range.end; at += kMss) {
      ++sent_;
      note(at.value, 1);
      Event segment{};
      segment.range = {at, earlier(at + kMss, range.end)};
      segment.timestamp = timestamp_clock(now);
      segment.reduced = recovery.take_window_reduced();
      pass(segment);
      if (chance(options_.duplicated)) pass(segment);
    }
  }
  void pass(Event segment) {
    Nanoseconds out = now;
    if (options_.serialisation.count != 0) {
      out = std::max(now, busy_until_);
      const uint64_t queued = (out - now).count / options_.serialisation.count;
      if (queued >= options_.queue) {
        ++lost_;
        return;
      }
      if (options_.mark_above != 0 && queued >= options_.mark_above) segment.marked = true;
      busy_until_ = out = out + options_.serialisation;
    }
    if (chance(options_.loss)) {
      ++lost_;
      return;
    }
    out = out + options_.delay;
    if (options_.jitter.count != 0 && chance(options_.reordered))
      out.count += random_() % options_.jitter.count;
    if (options_.stall.count != 0 && out > options_.stall_at &&
        out < options_.stall_at + options_.stall)
      out = options_.stall_at + options_.stall;
    segment.at = out;
    segment.order = ++order_;
    events_.push(segment);
  }

  void receive_segment(const Event& segment) {
    std::optional<SequenceRange> duplicate;
    const SequenceRange range = segment.range;
    if (range.begin <= received_next_ && range.end > received_next_) echo_ = segment.timestamp;
    if (segment.reduced) echo_congestion_ = false;
    if (segment.marked) echo_congestion_ = true;
    const bool old = range.end <= received_next_ || covered(range);
    if (old) {
      duplicate = range;
    } else {
      add(range);
    }
    // Delayed only in order (RFC 5681, 4.2).
    if (!old && out_of_order_.empty() && ++unacknowledged_ < options_.acknowledge_every) {
      Event delayed{};
      delayed.kind = Kind::kDelayedAck;
      delayed.at = now + milliseconds(40);
      delayed.order = delayed_ = ++order_;
      events_.push(delayed);
      return;
    }
    acknowledge(duplicate, range);
  }
  void acknowledge(const std::optional<SequenceRange>& duplicate, SequenceRange range) {
    unacknowledged_ = 0;
    delayed_ = 0;
    if (chance(options_.loss_of_acks)) return;
    Event ack{};
    ack.at = now + options_.delay;
    ack.order = ++order_;
    ack.kind = Kind::kAck;
    ack.number = received_next_;
    ack.timestamp = echo_;
    ack.marked = echo_congestion_;
    if (options_.sack) {
      if (duplicate && options_.dsack) ack.sacks.push_back(*duplicate);
      // The block that changed last, and up to two of the others.
      for (const auto& block : out_of_order_)
        if (block.contains(range)) ack.sacks.push_back(block);
      for (auto block = out_of_order_.rbegin(); block != out_of_order_.rend(); ++block)
        if (ack.sacks.size() < 3 && !block->contains(range)) ack.sacks.push_back(*block);
    }
    events_.push(ack);
  }
  bool covered(SequenceRange range) const {
    return std::any_of(out_of_order_.begin(), out_of_order_.end(),
                       [&](const SequenceRange& block) { return block.contains(range); });
  }
  void add(SequenceRange range) {
    range.begin = later(range.begin, received_next_);
    std::vector<SequenceRange> blocks;
    for (const SequenceRange& block : out_of_order_) {
      if (block.end < range.begin || block.begin > range.end) {
        blocks.push_back(block);
      } else {
        range.begin = earlier(range.begin, block.begin);
        range.end = later(range.end, block.end);
      }
    }
    if (range.begin <= received_next_)
      received_next_ = range.end;
    else
      blocks.push_back(range);
    std::sort(blocks.begin(), blocks.end(),
              [](const SequenceRange& a, const SequenceRange& b) { return a.begin < b.begin; });
    out_of_order_ = std::move(blocks);
  }

  void receive_ack(const Event& event) {
    if (event.number < recovery.una()) return;
    edge_ = later(edge_, event.number + options_.window);
    Acknowledgement ack;
    ack.number = event.number;
    ack.sacks = event.sacks;
    ack.duplicate = event.number == recovery.una();
    ack.congestion_echo = event.marked;
    ack.has_echo = options_.timestamps;
    ack.echo = event.timestamp;
    const Sequence before = recovery.una();
    const AckOutcome outcome = recovery.acknowledge(ack, now);
    if (outcome.acknowledged != recovery.una().value - before.value ||
        recovery.una() != event.number)
      broken = true;
    note(event.number.value, 2);
    output();
  }
  void note(uint32_t value, uint32_t kind) {
    trace_ = (trace_ ^ value ^ (now.count << 8) ^ kind) * 0x100000001b3;
  }

  PathOptions options_;
  std::mt19937 random_;
  std::priority_queue<Event> events_;
  uint64_t order_ = 0;
  uint64_t trace_ = 0xcbf29ce484222325;
  Nanoseconds busy_until_;
  uint32_t lost_ = 0, sent_ = 0;
  Sequence received_next_, edge_;
  std::vector<SequenceRange> out_of_order_;
  uint32_t unacknowledged_ = 0;
  uint64_t delayed_ = 0;  // the timer of the delayed ACK that counts
  uint32_t echo_ = 0;
  bool echo_congestion_ = false;

 public:
  SentSegmentPool pool;
  RecoveryDomain domain;
  LossRecovery recovery;
  Nanoseconds now = seconds(100);
  bool broken = false;
};

}  // namespace plumbline::net::tcp
