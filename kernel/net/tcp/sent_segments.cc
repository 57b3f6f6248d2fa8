#include "net/tcp/sent_segments.hh"

#include "core/assert.hh"

namespace plumbline::net::tcp {
namespace {

// The end of a list by `older` and `newer`.
struct Ends {
  SentSegment*& first;
  SentSegment*& last;

  void insert_behind(SentSegment* segment, SentSegment* place) const {
    segment->older = place;
    segment->newer = place == nullptr ? first : place->newer;
    (place == nullptr ? first : place->newer) = segment;
    (segment->newer == nullptr ? last : segment->newer->older) = segment;
  }
  void remove(SentSegment* segment) const {
    (segment->older == nullptr ? first : segment->older->newer) = segment->newer;
    (segment->newer == nullptr ? last : segment->newer->older) = segment->older;
  }
};

}  // namespace

void SentSegments::clear() {
  for (SentSegment* segment = first_; segment != nullptr;) {
    SentSegment* const next = segment->next;
    pool_->release(segment, next == nullptr);
    segment = next;
  }
  first_ = last_ = oldest_ = newest_ = first_lost_ = last_lost_ = nullptr;
  index_.clear();
  una_ = next_;
  sacked_ = lost_ = count_ = 0;
}

void SentSegments::append_behind(Sequence end, uint16_t segment_size, Nanoseconds now) {
  SentSegment* const segment = count_ < kMaximumCount ? pool_->allocate(false) : nullptr;
  if (segment == nullptr) {
    extend(end, now);
    return;
  }
  segment->range = {next_, end};
  segment->sent_at = unique(now);
  segment->segment_size = segment_size;
  segment->state = SegmentState::kInFlight;
  segment->retransmitted = false;
  segment->previous = last_;
  segment->next = nullptr;
  last_ = last_->next = segment;
  Ends{oldest_, newest_}.insert_behind(segment, newest_);
  next_ = end;
  ++count_;
  if (index_.built()) index_.insert(segment, pool_->random);
}

void SentSegments::extend(Sequence end, Nanoseconds now) {
  ASSERT(can_extend());
  next_ = last_->range.end = end;
  last_->sent_at = unique(now);
  const Ends flight{oldest_, newest_};
  flight.remove(last_);
  flight.insert_behind(last_, newest_);
}

SentSegment* SentSegments::find(Sequence number) {
  if (!index_.built()) {
    if (count_ < kIndexFrom) {
      SentSegment* segment = first_;
      while (segment->range.end <= number) segment = segment->next;
      return segment;
    }
    // From here on kept until nothing is outstanding: building it is paid for by sending.
    index_.build(first_, pool_->random);
  }
  return index_.find(number);
}

bool SentSegments::split(SentSegment* segment, Sequence at) {
  SentSegment* const rest = count_ < kMaximumCount ? pool_->allocate(false) : nullptr;
  if (rest == nullptr) return false;
  rest->range = {at, segment->range.end};
  segment->range.end = at;
  rest->sent_at = segment->sent_at;
  rest->segment_size = segment->segment_size;
  rest->state = segment->state;
  rest->retransmitted = segment->retransmitted;
  rest->previous = segment;
  rest->next = segment->next;
  segment->next = rest;
  (rest->next == nullptr ? last_ : rest->next->previous) = rest;
  if (rest->state == SegmentState::kInFlight)
    Ends{oldest_, newest_}.insert_behind(rest, segment);
  else if (rest->state == SegmentState::kLost)
    Ends{first_lost_, last_lost_}.insert_behind(rest, segment);
  ++count_;
  if (index_.built()) index_.insert(rest, pool_->random);
  return true;
}

void SentSegments::leave_state(SentSegment* segment) {
  switch (segment->state) {
    case SegmentState::kInFlight:
      Ends{oldest_, newest_}.remove(segment);
      break;
    case SegmentState::kLost:
      Ends{first_lost_, last_lost_}.remove(segment);
      lost_ -= segment->range.length();
      break;
    case SegmentState::kSacked:
      sacked_ -= segment->range.length();
      break;
  }
}

void SentSegments::enter_flight(SentSegment* segment) {
  segment->state = SegmentState::kInFlight;
  Ends{oldest_, newest_}.insert_behind(segment, newest_);
}

// Lower numbers first: they are what holds back the receiver. Losses are found in the order of
// transmission, which is nearly that of numbers, so one comparison with either end does for nearly
// all, and the rest may stand a little late.
void SentSegments::enter_lost(SentSegment* segment) {
  segment->state = SegmentState::kLost;
  lost_ += segment->range.length();
  SentSegment* place = last_lost_;
  if (first_lost_ != nullptr && segment->range.begin < first_lost_->range.begin) {
    place = nullptr;
  } else if (segment->previous != nullptr && segment->previous->state == SegmentState::kLost) {
    place = segment->previous;
  }
  Ends{first_lost_, last_lost_}.insert_behind(segment, place);
}

void SentSegments::remove(SentSegment* segment) {
  (segment->previous == nullptr ? first_ : segment->previous->next) = segment->next;
  (segment->next == nullptr ? last_ : segment->next->previous) = segment->previous;
  if (index_.built()) index_.erase(segment);
  --count_;
  pool_->release(segment, count_ == 0);
}

SentSegments::Times SentSegments::acknowledge_in_order(Sequence number) {
  Times times{first_->sent_at, {}};
  una_ = number;
  do {
    SentSegment* const segment = first_;
    times.newest = segment->sent_at;
    if (segment->range.end > number) {
      segment->range.begin = number;
      return times;
    }
    Ends{oldest_, newest_}.remove(segment);
    remove(segment);
  } while (first_ != nullptr && first_->range.begin < number);
  return times;
}

void SentSegments::acknowledge(Sequence number, DeliverySample& sample) {
  while (first_ != nullptr && first_->range.end <= number) {
    SentSegment* const segment = first_;
    una_ = segment->range.end;
    if (segment->state != SegmentState::kSacked) sample.note(*segment, segment->range);
    leave_state(segment);
    remove(segment);
  }
  if (first_ == nullptr || una_ == number) return;
  const SequenceRange piece{una_, number};
  if (first_->state != SegmentState::kSacked) sample.note(*first_, piece);
  if (first_->state == SegmentState::kSacked) sacked_ -= piece.length();
  if (first_->state == SegmentState::kLost) lost_ -= piece.length();
  una_ = first_->range.begin = number;
}

SentSegment* SentSegments::mark_sacked(SentSegment* segment, DeliverySample& sample) {
  sample.note(*segment, segment->range);
  leave_state(segment);
  segment->state = SegmentState::kSacked;
  sacked_ += segment->range.length();
  SentSegment* const next = segment->next;
  if (next != nullptr && next->state == SegmentState::kSacked) {
    segment->range.end = next->range.end;
    remove(next);
  }
  SentSegment* const previous = segment->previous;
  if (previous != nullptr && previous->state == SegmentState::kSacked) {
    previous->range.end = segment->range.end;
    remove(segment);
    return previous;
  }
  return segment;
}

bool SentSegments::sack(SequenceRange range, DeliverySample& sample) {
  SentSegment* segment = find(range.begin);
  while (segment != nullptr && segment->range.begin < range.end) {
    // The whole segments of the record that lie in the range, from `begin` to `end`.
    Sequence begin = segment->range.begin, end = segment->range.end;
    // A FIN on its own has no payload.
    const uint32_t size = segment->segment_size == 0 ? 1 : segment->segment_size;
    if (end == next_ && range.end + 1 == next_)
      end = range.end;  // the last number may be a FIN, which some receivers leave out
    else if (range.end < end)
      end = begin + (range.end.value - begin.value) / size * size;
    if (range.begin > begin) begin += (range.begin.value - begin.value + size - 1) / size * size;
    if (segment->state != SegmentState::kSacked && begin < end) {
      if (begin != segment->range.begin) {
        if (!split(segment, begin)) return false;
        segment = segment->next;
      }
      if (end != segment->range.end && !split(segment, end)) return false;
      segment = mark_sacked(segment, sample);
    }
    segment = segment->next;
  }
  return true;
}

void SentSegments::mark_lost(SentSegment* segment) {
  leave_state(segment);
  enter_lost(segment);
}

void SentSegments::mark_lost(SentSegment* segment, uint32_t bytes) {
  if (bytes < segment->range.length()) split(segment, segment->range.begin + bytes);
  mark_lost(segment);
}

void SentSegments::mark_all_lost() {
  for (SentSegment* segment = first_; segment != nullptr; segment = segment->next)
    if (segment->state == SegmentState::kInFlight) mark_lost(segment);
}

void SentSegments::unmark_lost() {
  // Backwards to the front: what was lost was sent before what is in flight.
  const Ends flight{oldest_, newest_}, losses{first_lost_, last_lost_};
  while (last_lost_ != nullptr) {
    SentSegment* const segment = last_lost_;
    losses.remove(segment);
    segment->state = SegmentState::kInFlight;
    flight.insert_behind(segment, nullptr);
  }
  lost_ = 0;
}

void SentSegments::forget_sacks() {
  for (SentSegment* segment = first_; segment != nullptr; segment = segment->next)
    if (segment->state == SegmentState::kSacked) mark_lost(segment);
}

void SentSegments::retransmitted(SequenceRange range, uint16_t segment_size, Nanoseconds now) {
  const bool lost = first_lost_ != nullptr && first_lost_->range.begin == range.begin;
  SentSegment* segment = lost ? first_lost_ : last_;
  ASSERT(segment != nullptr && segment->range.contains(range));
  if (segment->range.begin != range.begin && split(segment, range.begin)) segment = segment->next;
  if (segment->range.end != range.end) split(segment, range.end);
  const Nanoseconds sent_at = unique(now);
  leave_state(segment);
  segment->sent_at = sent_at;
  segment->segment_size = segment_size;
  segment->retransmitted = true;
  enter_flight(segment);
}

}  // namespace plumbline::net::tcp
