// What one acknowledgement delivered, cumulatively and selectively, taken together.
#pragma once

#include <cstdint>

#include "core/units.hh"
#include "net/tcp/sent_segment.hh"

namespace plumbline::net::tcp {

// Filled by SentSegments for every piece that is delivered for the first time.
struct DeliverySample {
  // Set before: what tells an acknowledgement of a retransmission from one of the original.
  Nanoseconds now;
  Nanoseconds minimum_rtt;
  Sequence highest_before;  // RACK.fack before this acknowledgement
  bool has_echo = false;    // echo_ms is from the timestamp option
  uint32_t echo_ms = 0;     // when what is echoed was sent: time in milliseconds, lower 32 bits

  // Sums.
  uint32_t bytes = 0;
  // The newest transmission that is known to have arrived (RFC 8985, 6.2 step 2).
  bool has_newest = false;
  Nanoseconds newest;
  Sequence newest_end;
  // Among pieces sent once: the oldest transmission, for the RTT (RFC 6298, section 3).
  bool has_original = false;
  Nanoseconds oldest_original;
  Nanoseconds newest_original;
  Sequence highest_end;  // RACK.fack after it, from highest_before on
  bool reordered =
      false;  // an original arrived after something that was sent behind it (6.2 step 3)
  bool original_of_lost = false;  // something thought lost, not yet sent again, did arrive

  // A piece that ends at `end` of `segment` was delivered.
  void note(const SentSegment& segment, SequenceRange piece);
};

// A is newer than B: sent later, or at the same time and behind it (RFC 8985, 6.2 step 2).
constexpr bool sent_after(Nanoseconds a, Sequence a_end, Nanoseconds b, Sequence b_end) {
  return a.count != b.count ? a > b : a_end > b_end;
}

}  // namespace plumbline::net::tcp
