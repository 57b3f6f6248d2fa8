// The scoreboard: what was sent and is not cumulatively acknowledged (RFC 6675, section 3).
#pragma once

#include <cstdint>

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
  explicit SentSegments(SentSegmentPool& pool) : pool_(&pool) {}
  ~SentSegments() { clear(); }
  SentSegments(const SentSegments&) = delete;
  SentSegments& operator=(const SentSegments&) = delete;

  // Nothing is outstanding, and the next byte sent is `first`.
  void start(Sequence first);
  void clear();

  Sequence una() const { return una_; }
  Sequence next() const { return next_; }
  bool empty() const { return first_ == nullptr; }
  // Bytes that count for the pipe, that the receiver holds out of order, and that wait for
  // retransmission; together next() - una().
  uint32_t in_flight() const { return next_.value - una_.value - sacked_ - lost_; }
  uint32_t sacked() const { return sacked_; }
  uint32_t lost() const { return lost_; }
  uint32_t count() const { return count_; }

  // Finds memory for the next append().
  bool can_append() { return pool_->available(empty()) || can_extend(); }
  // [next(), end) was sent in pieces of `segment_size`, the last one smaller. Without memory the
  // last record grows; can_append() said whether that is possible.
  void append(Sequence end, uint16_t segment_size, Nanoseconds now);

  // The receiver has everything before `number`, which lies in [una(), next()].
  void acknowledge(Sequence number, DeliverySample& sample);
  // The receiver has `range`, which lies in [una(), next()] and is not empty. Whole segments only:
  // an edge within one is taken as that segment missing. Returns false if there was no memory to
  // note it all.
  bool sack(SequenceRange range, DeliverySample& sample);

  SentSegment* first() const { return first_; }
  SentSegment* last() const { return last_; }
  // What is in flight, in the order of its (last) transmission.
  SentSegment* oldest() const { return oldest_; }
  // What is lost, in the order in which to send it again.
  SentSegment* first_lost() const { return first_lost_; }

  // `segment` was in flight.
  void mark_lost(SentSegment* segment);
  // The first `bytes` of it are lost, the rest stays what it is.
  void mark_lost(SentSegment* segment, uint32_t bytes);
  void mark_all_lost();
  // The receiver took back what it had reported (RFC 2018, section 8): all of it is lost.
  void forget_sacks();
  // The first bytes of first_lost(), or of any record (a probe), were sent again.
  void retransmitted(SentSegment* segment, uint32_t bytes, uint16_t segment_size, Nanoseconds now);
};

}  // namespace plumbline::net::tcp
