// Judges one end of a TCP connection by what it sends, knowing what has reached it.
//
// It is told of every segment that leaves the end and of every sound one that arrives, and keeps
// its own account of the connection in 64-bit positions of the two streams (0 is the SYN, 1 the
// first byte). Rules that one segment can break are checked when it leaves; what an end should have
// sent but did not is checked by idle(), after it has dealt with what arrived.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/units.hh"
#include "net/simulator/byte_pattern.hh"
#include "net/simulator/observed_segment.hh"
#include "net/simulator/range_set.hh"
#include "net/simulator/violations.hh"

namespace plumbline::net::simulator {

// What the judge must know that is not on the wire.
struct EndpointRules {
  uint32_t mtu = 1500;  // of the end's own link
  bool nagle = true;    // false: TCP_NODELAY
  bool no_retransmissions =
      false;  // the path loses, delays and doubles nothing: there is no reason
  // The end has so little memory that it may have to drop what it offered to take.
  bool may_drop = false;
  uint32_t initial_window = 10;  // segments (RFC 6928)
  // The shortest time-out before a segment is sent again without a word from the peer. The
  // standard's 1 s (RFC 6298 section 2.4) is not what is in use anywhere.
  Nanoseconds minimum_timeout = milliseconds(200);
  Nanoseconds longest_delayed_ack = milliseconds(500);  // RFC 9293 section 3.8.6.3
};

// What one end did, for reports and for bounds over many connections.
struct EndpointFigures {
  uint64_t segments = 0;
  uint64_t data_segments = 0;
  uint64_t data_bytes = 0;      // each counted once
  uint64_t again_segments = 0;  // retransmissions
  uint64_t again_bytes = 0;
  uint64_t needless_bytes = 0;  // of those, what had arrived already
  uint64_t by_evidence = 0;     // retransmissions that later data's arrival explains
  uint64_t by_probe = 0;        // tail loss probes
  uint64_t by_timeout = 0;
  uint64_t acknowledgements = 0;  // without data
  uint64_t window_probes = 0;
};

class EndpointChecker {
 public:
  EndpointChecker(std::string name, BytePattern pattern, const EndpointRules& rules,
                  Violations& violations);

  // A segment leaves this end.
  void sent(const ObservedSegment& segment, Nanoseconds now);
  // A sound segment has arrived; the end has not seen it yet.
  void received(const ObservedSegment& segment, Nanoseconds now);
  // The end has dealt with everything that arrived until now.
  void idle(Nanoseconds now);
  // The application has written so many bytes in all. To be told before they are sent.
  void written(uint64_t bytes) { written_ = bytes; }
  // TCP_NODELAY, TCP_CORK and the like were changed.
  void set_nagle(bool nagle) { rules_.nagle = nagle; }
  // ICMP: packets of more than `mtu` bytes do not pass.
  void packet_too_big(uint32_t mtu, Nanoseconds now);
  // The other end's account, to tell needless retransmissions.
  void set_peer(const EndpointChecker* peer) { peer_ = peer; }

  const EndpointFigures& figures() const { return figures_; }
  // A RST went either way: from here on there are no obligations.
  bool over() const { return over_; }
  // Both FINs were sent, received and acknowledged, as far as this end can know.
  bool closed() const { return fin_sent_ && unacknowledged_ > fin_position_ && fin_received_; }

 private:
  // A run of sequence space as last sent.
  struct Piece {
    uint64_t end = 0;
    Nanoseconds at{};
    uint64_t order = 0;  // number of the segment that carried it last
    unsigned times = 1;
    bool delivered = false;  // acknowledged or SACKed
  };

  void wrong(Nanoseconds now, const ObservedSegment& segment, const std::string& text);
  // sent_checks.cc
  void check_form(const ObservedSegment& segment, Nanoseconds now);
  void check_syn(const ObservedSegment& segment, Nanoseconds now);
  void check_data(const ObservedSegment& segment, uint64_t begin, Nanoseconds now);
  void check_size(const ObservedSegment& segment, uint64_t begin, uint64_t end, Nanoseconds now);
  // retransmission_checks.cc
  void check_again(const ObservedSegment& segment, uint64_t begin, uint64_t end, Nanoseconds now);
  void record(uint64_t begin, uint64_t end, Nanoseconds now);
  std::map<uint64_t, Piece>::iterator split(uint64_t position);
  void delivered(uint64_t begin, uint64_t end, Nanoseconds now);
  // answer_checks.cc
  void check_acknowledgement(const ObservedSegment& segment, Nanoseconds now);
  void check_selective(const ObservedSegment& segment, Nanoseconds now);
  void check_window(const ObservedSegment& segment, uint64_t acknowledged, Nanoseconds now);
  void check_timestamp(const ObservedSegment& segment, Nanoseconds now);

  // The 64-bit position of a sequence number, next to what is known already.
  static uint64_t position(uint32_t number, uint32_t initial, uint64_t near);
  uint64_t own_position(uint32_t number) const { return position(number, initial_sent_, next_); }
  uint64_t peer_position(uint32_t number) const {
    return position(number, initial_received_, in_order_);
  }

  std::string name_;
  BytePattern pattern_;
  EndpointRules rules_;
  Violations& violations_;
  const EndpointChecker* peer_ = nullptr;
  EndpointFigures figures_;
  bool over_ = false;

  // Our stream.
  bool syn_sent_ = false;
  uint32_t initial_sent_ = 0;
  uint64_t next_ = 0;            // after what was sent
  uint64_t unacknowledged_ = 0;  // as the peer said
  uint64_t delivered_ = 0;       // numbers acknowledged or SACKed
  uint64_t right_edge_ = 0;      // of the peer's window, the farthest it was
  uint64_t last_edge_ = 0;       // and as last told
  uint64_t widest_window_ = 0;   // the peer ever offered
  uint64_t written_ = 0;
  uint64_t small_end_ = 0;  // end of the last segment of less than full size
  bool fin_sent_ = false;
  uint64_t fin_position_ = 0;
  std::map<uint64_t, Piece> pieces_;
  uint64_t order_ = 0;             // segments sent
  uint64_t newest_delivered_ = 0;  // order of the latest sent piece known to have arrived
  unsigned timeouts_ = 0;
  uint64_t timeout_order_ = 0;  // what was sent before this may be sent again after a time-out
  Nanoseconds last_sent_{};     // of data
  Nanoseconds progress_{};      // when the peer acknowledged something new, or sending began
  std::optional<Nanoseconds> least_round_trip_;
  uint16_t peer_mss_ = 536;
  uint32_t own_mss_ = 536;
  uint32_t path_mtu_ = 0;
  int own_scale_ = -1;
  int peer_scale_ = -1;
  bool own_sack_ = false, peer_sack_ = false;
  bool own_timestamps_ = false, peer_timestamps_ = false;

  // The peer's stream.
  bool syn_received_ = false;
  uint32_t initial_received_ = 0;
  RangeSet arrived_;
  RangeSet repeated_;       // arrived more than once: what DSACK may tell
  uint64_t in_order_ = 0;   // end of what has arrived without a gap
  uint64_t told_ = 0;       // highest ACK we sent
  uint64_t told_edge_ = 0;  // and right edge of our window
  uint64_t widest_told_ = 0;
  bool fin_received_ = false;
  uint64_t peer_fin_ = 0;
  uint32_t full_size_ = 0;  // the largest payload that came
  unsigned full_unacknowledged_ = 0;
  bool owes_now_ = false;  // an ACK, at once
  std::optional<Nanoseconds> owes_by_;
  std::optional<uint32_t> last_timestamp_;
  uint32_t recent_timestamp_ = 0;  // TS.Recent as RFC 7323 section 4.3 has it
};

}  // namespace plumbline::net::simulator
