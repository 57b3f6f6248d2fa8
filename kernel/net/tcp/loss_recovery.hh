// Loss detection and recovery of one connection: what was sent, what was lost, what may be sent.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/units.hh"
#include "net/tcp/congestion.hh"
#include "net/tcp/proportional_rate.hh"
#include "net/tcp/rtt.hh"
#include "net/tcp/sent_segments.hh"
#include "net/tcp/sequence.hh"

namespace plumbline::net::tcp {

// What all connections of a domain share.
struct RecoveryDomain {
  SentSegmentPool& segments;
  RtoLimits rto;
  // How long a peer may hold back an acknowledgement of a single segment: what a tail loss probe
  // adds (RFC 8985, 7.2: TLP.max_ack_delay).
  Nanoseconds maximum_ack_delay = milliseconds(200);
  struct Counters {
    uint64_t retransmitted_segments = 0;  // calls of retransmitted()
    uint64_t fast_recoveries = 0;
    uint64_t timeouts = 0;
    uint64_t tail_probes = 0;
    uint64_t tail_losses_repaired = 0;  // a probe filled the hole unseen (RFC 8985, 7.4.2)
    uint64_t spurious_recoveries = 0;   // undone
    uint64_t spurious_timeouts = 0;     // undone
    uint64_t congestion_echoes = 0;     // windows reduced for ECN
    uint64_t duplicate_reports = 0;     // DSACKs
    uint64_t reneged = 0;
    uint64_t without_record = 0;  // SACKs or sends that found no record
  } counters;
};

// The clock of the timestamp option: milliseconds, modulo 2^32 (RFC 7323, 5.4 asks for 1 ms to 1
// s).
constexpr uint32_t milliseconds_of(Nanoseconds now) {
  return static_cast<uint32_t>(now.count / 1'000'000);
}

// What an acknowledgement says, found acceptable by the connection: SND.UNA <= number <= SND.NXT.
struct Acknowledgement {
  Sequence number;
  // As received, in their order (the first may be a DSACK); not checked.
  std::span<const SequenceRange> sacks;
  // RFC 5681, section 2: no data, no SYN or FIN, number == SND.UNA, window as before, data
  // outstanding. Looked at only without SACK.
  bool duplicate = false;
  bool congestion_echo = false;  // ECE (RFC 3168), on a connection that negotiated ECN
  // TSecr, less the connection's offset of its TSval clock: what milliseconds_of(now) was when the
  // segment was sent that is answered here. TSval therefore has to be milliseconds_of(now) +
  // offset.
  bool has_echo = false;
  uint32_t echo = 0;
};

// What an acknowledgement did.
struct AckOutcome {
  uint32_t acknowledged = 0;  // sequence numbers that SND.UNA advanced by: drop them from the queue
  uint32_t lost = 0;          // bytes newly marked lost: there is something to retransmit
};

enum class TimerAction : uint8_t {
  kNone,        // too early, or nothing to do: arm for deadline() again
  kRetransmit,  // the reordering timer marked segments: run the output
  kProbe,       // send one segment now, new or old: see probe()
  kTimeout,     // the retransmission timeout: run the output, or give up (RFC 9293, 3.8.3)
};

// RFC 9293's SND.UNA and SND.NXT with everything between them. The connection tells what it sends
// and what it receives; it is told how much it may send and what to repeat. Sequence numbers of FIN
// count like data; SYN is the connection's own affair. All calls with the domain held; `now` never
// goes back. Fixed size, but for one record for each piece in flight.
class LossRecovery {
 public:
  static constexpr Nanoseconds kNever{UINT64_MAX};

  enum class State : uint8_t {
    kOpen,      // nothing strange
    kDisorder,  // SACKs or duplicates, no loss yet (limited transmit, RFC 3042)
    kRecovery,  // fast recovery (RFC 6675, 6582; 6937)
    kLoss,      // after a retransmission timeout
  };

  struct Options {
    Sequence first;  // ISS + 1: both SND.UNA and SND.NXT
    uint32_t mss;    // payload of a full segment: SMSS less options
    bool sack = false;
    bool timestamps = false;
    bool syn_lost = false;  // the SYN was retransmitted: initial window of one segment
    CongestionAlgorithm algorithm = CongestionAlgorithm::kCubic;
  };

  explicit LossRecovery(RecoveryDomain& domain) : domain_(&domain), segments_(domain.segments) {}
  LossRecovery(const LossRecovery&) = delete;
  LossRecovery& operator=(const LossRecovery&) = delete;

  // The connection is established. The handshake's round trip may be given to rtt() before.
  void start(const Options& options);

  // Sequence numbers.
  Sequence una() const { return segments_.una(); }
  Sequence next() const { return segments_.next(); }
  bool outstanding() const { return !segments_.empty(); }

  // --- Sending. The output's loop: while next_retransmission() has something, send that and tell
  // retransmitted(); then new data of allowed() bytes, each frame told to sent().

  // Bytes of new data that may be sent now: window or PRR less what is in flight. Less than a
  // segment can come out; the connection decides whether that is worth it (RFC 9293, 3.8.6.2.1).
  uint32_t allowed() const;
  // There is memory to note a further piece. When not, send nothing new until an acknowledgement or
  // a timer comes; with nothing outstanding treat it as a lack of buffers.
  bool can_send() { return segments_.can_append(); }
  // The next range to send again, at most `most` bytes (a TSO frame), or none: nothing is lost, or
  // the window does not let it out yet. `new_data`: the connection could send new data now, which
  // comes first after a timeout that may have been spurious (RFC 5682).
  std::optional<SequenceRange> next_retransmission(uint32_t most, bool new_data);
  // `range` was sent, which begins at next(), in segments of `segment_size` bytes of payload each
  // but the last (FIN counts as a byte of the last). SACKs are understood at these boundaries.
  void sent(SequenceRange range, uint16_t segment_size, Nanoseconds now);
  // What next_retransmission() gave was sent, or a first part of it. When it could not be sent, do
  // not call this; the range will be given again.
  void retransmitted(SequenceRange range, uint16_t segment_size, Nanoseconds now);
  // After TimerAction::kProbe: what to send when there is no new data (or no window for it).
  // RFC 8985, 7.3 prefers new data: one segment of it, whatever allowed() says, told to sent() and
  // then probed(true). Else this range, told to retransmitted() and then probed(false).
  SequenceRange probe() const;
  void probed(bool new_data);

  // --- Receiving.

  // An acknowledgement that is acceptable, also one that acknowledges nothing new.
  AckOutcome acknowledge(const Acknowledgement& ack, Nanoseconds now);
  // CWR has to be set in the next segment of new data (RFC 3168, 6.1.2). Asking answers it.
  bool take_window_reduced() {
    const bool reduced = window_reduced_;
    window_reduced_ = false;
    return reduced;
  }

  // --- Time. One timer; arm it for deadline(), no earlier than the call that changed it returns.
  // It may fire late or early.

  Nanoseconds deadline() const { return deadline_; }
  TimerAction on_timer(Nanoseconds now);
  // Retransmission timeouts since something was acknowledged last.
  unsigned timeouts() const { return timeouts_; }

  // --- Events.

  // Segments are to be smaller (a packet was too big, RFC 1191, 8201) or may be larger. `resend`:
  // everything in flight that is larger was dropped, and is sent again without a reaction of the
  // window: it was not congestion.
  void set_mss(uint32_t mss, bool resend, Nanoseconds now);
  // Nothing was in flight for `idle` and sending begins again.
  void restart_after_idle(Nanoseconds idle) { congestion_.idle(idle, rtt_.timeout(domain_->rto)); }
  // Forgets everything that was sent: the connection is gone. (Also done by the destructor.)
  void clear();

  // --- Figures (TCP_INFO).

  State state() const { return state_; }
  uint32_t mss() const { return mss_; }
  uint32_t in_flight() const { return segments_.in_flight(); }
  RttEstimator& rtt() { return rtt_; }
  const RttEstimator& rtt() const { return rtt_; }
  Congestion& congestion() { return congestion_; }
  const Congestion& congestion() const { return congestion_; }
  const SentSegments& segments() const { return segments_; }
};

}  // namespace plumbline::net::tcp
