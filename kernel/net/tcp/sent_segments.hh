// The scoreboard: what was sent and is not cumulatively acknowledged (RFC 6675, section 3).
#pragma once

#include <cstdint>

#include "core/assert.hh"
#include "core/units.hh"
#include "net/tcp/delivery_sample.hh"
#include "net/tcp/segment_index.hh"
#include "net/tcp/sent_segment.hh"
#include "net/tcp/sequence.hh"

namespace plumbline::net::tcp {

// Every sequence number of [una, next) belongs to one record. Three orders over them: by number, by
// time of transmission (what is in flight), and of retransmission (what is lost). A SACK block
// costs O(log n) and what it newly covers, an acknowledgement what it newly covers, everything else
// O(1): ranges that were reported before are one record, however often and however small they come.
class SentSegments {
 public:
  // So few records are searched one by one; only more of them get an index, with their first SACK.
  static constexpr uint32_t kIndexFrom = 16;
  // A connection has no more records than this: an attacker's SACKs cut what is in flight into
  // segments, and a connection's segments must not use up everybody's records.
  static constexpr uint32_t kMaximumCount = 32768;

  explicit SentSegments(SentSegmentPool& pool) : pool_(&pool) {}
  ~SentSegments() { clear(); }
  SentSegments(const SentSegments&) = delete;
  SentSegments& operator=(const SentSegments&) = delete;

  // Goes on with other records; nothing may be outstanding.
  void move_to(SentSegmentPool& pool) {
    ASSERT(count_ == 0);
    clear();
    pool_ = &pool;
  }

  // Nothing is outstanding, and the next byte sent is `first`.
  void start(Sequence first) {
    clear();
    una_ = next_ = first;
  }
  void clear();

  Sequence una() const { return una_; }
  Sequence next() const { return next_; }
  bool empty() const { return una_ == next_; }
  // Bytes that count for the pipe, that the receiver holds out of order, and that wait for
  // retransmission; together next() - una().
  uint32_t in_flight() const { return next_.value - una_.value - sacked_ - lost_; }
  uint32_t sacked() const { return sacked_; }
  uint32_t lost() const { return lost_; }
  uint32_t count() const { return count_; }

  // There is memory for the next append().
  bool can_append() {
    return (count_ < kMaximumCount && pool_->available(count_ == 0)) || can_extend();
  }
  // [next(), end) was sent in pieces of `segment_size`, the last one perhaps smaller. After
  // can_append(). Without memory for a record the last one grows, and counts as sent now.
  void append(Sequence end, uint16_t segment_size, Nanoseconds now) {
    if (count_ != 0) {
      append_behind(end, segment_size, now);
      return;
    }
    SentSegment* const segment = pool_->allocate(true);
    ASSERT(segment != nullptr);
    segment->previous = segment->next = segment->older = segment->newer = nullptr;
    segment->range = {next_, end};
    segment->sent_at = now;
    segment->segment_size = segment_size;
    segment->state = SegmentState::kInFlight;
    segment->retransmitted = false;
    first_ = last_ = oldest_ = newest_ = segment;
    next_ = end;
    count_ = 1;
  }

  // The only record, when it is in flight and was never retransmitted; else null. What is
  // acknowledged of a request's answer, and short enough to be inline.
  const SentSegment* only() const {
    return count_ == 1 && first_->state == SegmentState::kInFlight && !first_->retransmitted
               ? first_
               : nullptr;
  }
  // only() was acknowledged.
  void acknowledge_only() {
    una_ = next_;
    pool_->release(first_, true);
    first_ = last_ = oldest_ = newest_ = nullptr;
    count_ = 0;
    index_.clear();
  }
  struct Times {
    Nanoseconds oldest, newest;
  };
  // acknowledge() while everything is in flight and was sent once: when what is acknowledged was
  // sent. `number` lies behind una().
  Times acknowledge_in_order(Sequence number);

  // The receiver has everything before `number`, which lies in [una(), next()].
  void acknowledge(Sequence number, DeliverySample& sample);
  // The receiver has `range`, which lies in [una(), next()] and is not empty. An edge within a
  // segment counts as that segment missing: receivers report whole ones, and what can be cut is
  // bounded so. False if there was no memory to note all of it.
  bool sack(SequenceRange range, DeliverySample& sample);

  SentSegment* first() const { return first_; }
  SentSegment* last() const { return last_; }
  // What is in flight, in the order of its (last) transmission: by `newer`.
  SentSegment* oldest() const { return oldest_; }
  SentSegment* newest() const { return newest_; }
  // What is lost, in the order in which to send it again: by `newer`.
  SentSegment* first_lost() const { return first_lost_; }

  // `segment`, which is in flight, is lost.
  void mark_lost(SentSegment* segment);
  // The first `bytes` of it are. Without memory to cut it, all of it.
  void mark_lost(SentSegment* segment, uint32_t bytes);
  // Everything that is in flight is lost.
  void mark_all_lost();
  // What was thought lost and was not sent again since is in flight after all.
  void unmark_lost();
  // The receiver took back what it had reported (RFC 2018, section 8): all of it is lost.
  void forget_sacks();
  // `range`, the beginning of first_lost() or the end of last(), was sent again. Without memory to
  // cut the record, all of it counts as sent: what was not will be found missing once more.
  void retransmitted(SequenceRange range, uint16_t segment_size, Nanoseconds now);

 private:
  friend class SentSegmentsChecker;

  // Bursts are sent at one reading of the clock, but what is sent again after something new must
  // not count as sent before it. So a few nanoseconds more: no two transmissions have the same
  // time.
  Nanoseconds unique(Nanoseconds now) const {
    return newest_ != nullptr && newest_->sent_at >= now ? newest_->sent_at + Nanoseconds{1} : now;
  }
  bool can_extend() const { return last_ != nullptr && last_->state == SegmentState::kInFlight; }
  void append_behind(Sequence end, uint16_t segment_size, Nanoseconds now);
  void extend(Sequence end, Nanoseconds now);
  SentSegment* find(Sequence number);
  // Cuts `segment` so that it ends at `at`; what is behind becomes a record that stands next to it
  // in all orders. False: no memory.
  bool split(SentSegment* segment, Sequence at);
  // Joins it with sacked neighbours; returns the record that it is then part of.
  SentSegment* mark_sacked(SentSegment* segment, DeliverySample& sample);
  // Takes `segment` out of the order that its state says, and its bytes out of the sums.
  void leave_state(SentSegment* segment);
  void enter_flight(SentSegment* segment);
  void enter_lost(SentSegment* segment);
  void remove(SentSegment* segment);

  SentSegmentPool* pool_;
  SentSegment* first_ = nullptr;  // by number
  SentSegment* last_ = nullptr;
  SentSegment* oldest_ = nullptr;  // in flight, by time
  SentSegment* newest_ = nullptr;
  SentSegment* first_lost_ = nullptr;
  SentSegment* last_lost_ = nullptr;
  SegmentIndex index_;
  Sequence una_;
  Sequence next_;
  uint32_t sacked_ = 0;
  uint32_t lost_ = 0;
  uint32_t count_ = 0;
};

}  // namespace plumbline::net::tcp
