// What one acknowledgement delivered, cumulatively and selectively, taken together.
#pragma once

#include <cstdint>

#include "core/units.hh"
#include "net/tcp/sent_segment.hh"

namespace plumbline::net::tcp {

// The clock of the timestamp option: ticks of 2^20 ns (RFC 7323, 5.4 asks for 1 ms to 1 s).
constexpr uint32_t timestamp_clock(Nanoseconds now) {
  return static_cast<uint32_t>(now.count >> 20);
}

// A is newer than B: sent later, or at the same time and behind it (RFC 8985, 6.2 step 2).
constexpr bool sent_after(Nanoseconds a, Sequence a_end, Nanoseconds b, Sequence b_end) {
  return a != b ? a > b : a_end > b_end;
}

// Filled by SentSegments with every piece that is delivered for the first time.
struct DeliverySample {
  // Set before: what tells an acknowledgement of a retransmission from one of the original.
  Nanoseconds now;
  Nanoseconds minimum_rtt;
  Sequence highest_before;  // RACK.fack before this acknowledgement
  Sequence recover;         // the end of what was sent when recovery began
  bool has_echo = false;
  uint32_t echo = 0;  // the timestamp_clock() of the transmission that is answered

  // The rest is the result. Bytes delivered:
  uint32_t bytes = 0;
  // The newest transmission that is known to have arrived (RFC 8985, 6.2 step 2).
  bool has_newest = false;
  Nanoseconds newest;
  Sequence newest_end;
  // Of pieces that were sent once: the oldest and the newest transmission.
  bool has_original = false;
  Nanoseconds oldest_original;
  Nanoseconds newest_original;
  // One of those lies before `recover`.
  bool original_recovered = false;
  // Something that was sent again was delivered.
  bool has_retransmitted = false;
  // The highest end so far (RACK.fack), with highest_before.
  Sequence highest;
  // An original arrived after something that had been sent behind it (RFC 8985, 6.2 step 3).
  bool reordered = false;

  // `piece` of `segment` was delivered. It was not before.
  void note(const SentSegment& segment, SequenceRange piece) {
    bytes += piece.length();
    if (highest < piece.end) highest = piece.end;
    if (!segment.retransmitted) {
      if (!has_original || segment.sent_at < oldest_original) oldest_original = segment.sent_at;
      if (!has_original || segment.sent_at > newest_original) newest_original = segment.sent_at;
      has_original = true;
      if (piece.begin < recover) original_recovered = true;
      if (piece.end < highest_before) reordered = true;
    } else {
      has_retransmitted = true;
      if (original_was_answered(segment)) return;
    }
    if (has_newest && !sent_after(segment.sent_at, piece.end, newest, newest_end)) return;
    has_newest = true;
    newest = segment.sent_at;
    newest_end = piece.end;
  }

 private:
  // An acknowledgement that cannot be the retransmission's says nothing of its time (6.2 step 2).
  bool original_was_answered(const SentSegment& segment) const {
    if (has_echo && static_cast<int32_t>(echo - timestamp_clock(segment.sent_at)) < 0) return true;
    return time_since(segment.sent_at, now) < minimum_rtt;
  }
};

}  // namespace plumbline::net::tcp
