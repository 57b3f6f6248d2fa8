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
  RtoLimits rto = {};
  // How long a peer may hold back an acknowledgement of a single segment: what a tail loss probe
  // adds (RFC 8985, 7.2: TLP.max_ack_delay).
  Nanoseconds maximum_ack_delay = milliseconds(200);
  // And what it adds else: round trips of a few microseconds say nothing about how long a peer that
  // is not running at the moment takes. As Linux.
  Nanoseconds probe_slack = milliseconds(2);
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
  } counters = {};
};

// What an acknowledgement says, found acceptable by the connection: SND.UNA <= number <= SND.NXT.
struct Acknowledgement {
  Sequence number;
  // As received, in their order (the first may be a DSACK); not checked.
  std::span<const SequenceRange> sacks = {};
  // RFC 5681, section 2, but for the first condition: no data, no SYN or FIN, number == SND.UNA,
  // window as before. Whether something is outstanding is known here.
  bool duplicate = false;
  bool congestion_echo = false;  // ECE (RFC 3168), on a connection that negotiated ECN
  // TSecr, less the connection's offset of its TSval clock: what timestamp_clock(now) was when the
  // segment was sent that is answered here. TSval therefore has to be milliseconds_of(now) +
  // offset.
  bool has_echo = false;
  uint32_t echo = 0;
};

// What an acknowledgement did.
struct AckOutcome {
  uint32_t acknowledged = 0;  // sequence numbers that SND.UNA advanced by: drop them from the queue
  uint32_t lost = 0;          // bytes that wait to be sent again
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
  // Goes on in another domain; nothing may be outstanding.
  void move_to(RecoveryDomain& domain) {
    segments_.move_to(domain.segments);
    domain_ = &domain;
  }
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
  // `range`, which begins at next() and is not empty, was sent in segments of `segment_size` bytes
  // of payload each but the last (FIN counts as a byte of the last). SACKs are understood at these
  // boundaries.
  void sent(SequenceRange range, uint16_t segment_size, Nanoseconds now) {
    const bool first = segments_.empty();
    segments_.append(range.end, segment_size, now);
    if (first) restarted_ = now;
    const uint32_t pipe = in_flight(), window = congestion_.window();
    // Of growth only when the window is what limits (RFC 7661); in slow start, half of it does, so
    // that sending of the next flight is not held back by growth that comes too late.
    if (pipe + mss_ > window || (pipe > window / 2 && congestion_.slow_start())) {
      limited_ = true;
      limited_end_ = range.end;
    }
    if (!plain_) [[unlikely]] {
      sent_in_trouble(range, now);
      return;
    }
    set_plain_deadline(now);
  }
  // What next_retransmission() gave was sent, or a first part of it. When it could not be sent, do
  // not call this; the range will be given again.
  void retransmitted(SequenceRange range, uint16_t segment_size, Nanoseconds now);
  // After TimerAction::kProbe: what to send when there is no new data (or no window for it).
  // RFC 8985, 7.3 prefers new data: one segment of it, whatever allowed() says, told to sent() and
  // then probed(true). Else this range, told to retransmitted() and then probed(false).
  SequenceRange probe() const;
  void probed(bool new_data);

  // --- Receiving.

  // An acknowledgement that is acceptable, also one that acknowledges nothing new. Inline: one
  // segment is in flight and this acknowledges it, as between requests and responses.
  AckOutcome acknowledge(const Acknowledgement& ack, Nanoseconds now) {
    if (!plain_ || !ack.sacks.empty() || ack.congestion_echo || ack.duplicate) [[unlikely]]
      return acknowledge_any(ack, now);
    if (ack.number == segments_.una()) return {};
    const SentSegment* const segment = segments_.only();
    if (segment == nullptr || ack.number != segments_.next())
      return acknowledge_in_order(ack.number, now);
    const uint32_t bytes = ack.number.value - segments_.una().value;
    const Nanoseconds round_trip = time_since(segment->sent_at, now);
    rtt_.sample(round_trip, round_trip, now);
    newest_delivered_ = segment->sent_at;
    newest_round_trip_ = round_trip;
    newest_delivered_end_ = highest_delivered_ = ack.number;
    segments_.acknowledge_only();
    timeouts_ = 0;
    if (limited_) grow(bytes, now);
    deadline_ = kNever;
    return {bytes, 0};
  }
  // CWR has to be set in the next segment of new data (RFC 3168, 6.1.2). Asking answers it.
  bool take_window_reduced() {
    const bool reduced = window_reduced_;
    window_reduced_ = false;
    return reduced;
  }

  // --- Time. One timer; arm it for deadline(), after any of the calls above. It may fire late or
  // early.

  Nanoseconds deadline() const { return deadline_; }
  TimerAction on_timer(Nanoseconds now);
  // Retransmission timeouts since something was acknowledged last.
  unsigned timeouts() const { return timeouts_; }

  // --- Events.

  // Segments are to be smaller (a packet was too big, RFC 1191, 8201) or may be larger. `resend`:
  // what is in flight in larger segments was dropped, and is sent again without a reaction of the
  // window, because it was not congestion.
  void set_mss(uint32_t mss, bool resend, Nanoseconds now);
  // Nothing was in flight for `idle` and sending begins again.
  void restart_after_idle(Nanoseconds idle) { congestion_.idle(idle, rtt_.timeout(domain_->rto)); }
  // Forgets everything that was sent: the connection is gone. (Also done by the destructor.)
  void clear();

  // --- Figures (TCP_INFO).

  State state() const { return state_; }
  // Nothing is lost, suspected, or watched for: acknowledge() looks at the number alone.
  bool plain() const { return plain_; }
  uint32_t mss() const { return mss_; }
  // The estimate called pipe (RFC 6675, section 4).
  uint32_t in_flight() const {
    const uint32_t bytes = segments_.in_flight();
    return bytes > emulated_ ? bytes - emulated_ : 0;
  }
  uint32_t reordering_window_multiplier() const { return reordering_multiplier_; }
  bool reordering_seen() const { return reordering_seen_; }
  RttEstimator& rtt() { return rtt_; }
  const RttEstimator& rtt() const { return rtt_; }
  Congestion& congestion() { return congestion_; }
  const Congestion& congestion() const { return congestion_; }
  const SentSegments& segments() const { return segments_; }

 private:
  enum class TimerKind : uint8_t { kNone, kReordering, kTailProbe, kTimeout };
  // DupThresh (RFC 5681, 3.2).
  static constexpr uint32_t kDuplicates = 3;

  struct Report {            // what an ACK's SACK option said of duplicates
    bool duplicate = false;  // there is a DSACK (RFC 2883)
    SequenceRange range;     // of what
  };

  // acknowledgement.cc
  AckOutcome acknowledge_any(const Acknowledgement& ack, Nanoseconds now);
  AckOutcome acknowledge_in_order(Sequence number, Nanoseconds now);
  Report read_sacks(const Acknowledgement& ack, DeliverySample& sample);
  void count_duplicates(const Acknowledgement& ack, uint32_t advanced, DeliverySample& sample);
  void measure(const Acknowledgement& ack, uint32_t advanced, const DeliverySample& sample,
               Nanoseconds now);
  void react_to_echo();
  void recover_further(uint32_t advanced, uint32_t delivered, bool found_losses, bool may_grow,
                       Nanoseconds now);
  void grow(uint32_t bytes, Nanoseconds now);
  // Whether acknowledge() may take the short way from now on.
  void settle();

  // reordering.cc: RACK (RFC 8985, section 6)
  void count_duplicate_reports(const Report& report);
  Nanoseconds reordering_window() const;
  bool detect_losses(Nanoseconds now);  // true: there were some
  void mark_losses_on_timeout(Nanoseconds now);

  // loss_recovery.cc: into recovery and out of it
  void start_episode();
  void enter_recovery();
  void enter_loss(Nanoseconds now);
  void leave_recovery();
  void sent_in_trouble(SequenceRange range, Nanoseconds now);

  // spurious_retransmission.cc
  bool was_spurious(const Acknowledgement& ack, uint32_t advanced, const Report& report,
                    const DeliverySample& sample);
  void undo();
  void go_forward(uint32_t advanced);

  // tail_probe.cc: TLP (RFC 8985, section 7)
  bool may_probe() const {
    return sack_ && state_ == State::kOpen && !probing_ && segments_.sacked() == 0;
  }
  Nanoseconds probe_timeout() const {
    // Without a measurement a second (7.2); else two round trips, and a peer that got less than two
    // full segments may wait for more before it answers (RFC 5681, 4.2; 8985 says: one segment).
    if (!rtt_.has_sample()) return seconds(1);
    const Nanoseconds trips = rtt_.smoothed() * 2;
    return trips + (in_flight() < 2 * mss_ ? domain_->maximum_ack_delay : domain_->probe_slack);
  }
  void probe_before_timeout(Nanoseconds now) {
    const Nanoseconds probe = now + probe_timeout();
    timer_ = TimerKind::kTailProbe;
    if (probe < deadline_) deadline_ = probe;
  }
  // Of both timers, while nothing is strange and something is in flight.
  void set_plain_deadline(Nanoseconds now) {
    deadline_ = restarted_ + rtt_.timeout(domain_->rto);
    timer_ = TimerKind::kTimeout;
    if (sack_) probe_before_timeout(now);
  }
  void end_tail_probe(const Acknowledgement& ack, uint32_t advanced, const Report& report);

  // Arms the timer for what comes first. `probe`: the time of the tail probe begins anew.
  void set_deadline(bool probe, Nanoseconds now);

  // What every segment looks at.
  RecoveryDomain* domain_;
  SentSegments segments_;
  Nanoseconds deadline_ = kNever;
  Nanoseconds restarted_;  // when the retransmission timer was (RFC 6298, section 5)
  State state_ = State::kOpen;
  TimerKind timer_ = TimerKind::kNone;
  // Nothing is sacked, lost or was sent again: acknowledge() has nothing to look at but the number.
  bool plain_ = true;
  bool limited_ = false;  // the window stopped a send, and not all that was in flight has arrived
  bool sack_ = false;
  uint8_t timeouts_ = 0;
  uint8_t duplicates_ = 0;  // without SACK
  Sequence limited_end_;    // see limited_
  uint32_t mss_ = 536;
  // Without SACK: bytes that duplicates say have left the network.
  uint32_t emulated_ = 0;
  RttEstimator rtt_;
  // RACK (RFC 8985, 5.2).
  Nanoseconds newest_delivered_;   // RACK.xmit_ts
  Nanoseconds newest_round_trip_;  // RACK.rtt
  Sequence newest_delivered_end_;  // RACK.end_seq
  Sequence highest_delivered_;     // RACK.fack
  Congestion congestion_;

  // What only losses need.
  Nanoseconds reordering_at_;          // when what is in flight will count as lost; 0: it will not
  uint8_t reordering_multiplier_ = 1;  // RACK.reo_wnd_mult
  uint8_t reordering_persists_ = 0;    // RACK.reo_wnd_persist
  bool reordering_seen_ : 1 = false;
  bool in_duplicate_round_ : 1 = false;  // duplicate_round_ is valid
  bool probing_ : 1 = false;             // probe_end_ is valid
  bool probe_was_old_ : 1 = false;       // TLP.is_retrans
  bool window_reduced_ : 1 = false;
  bool recent_event_ : 1 = false;       // recover_ has not been passed yet
  bool suspect_spurious_ : 1 = false;   // congestion_ could undo, should retransmissions be in vain
  bool retransmitted_any_ : 1 = false;  // in this episode: first_again_ is valid
  bool forward_ : 1 = false;            // F-RTO (RFC 5682) runs
  bool forward_sends_ : 1 = false;      // and wants new data sent
  Sequence duplicate_round_;            // RACK.dsack_round
  Sequence probe_end_;                  // TLP.end_seq
  Sequence recover_;                    // SND.NXT at the last congestion event (RFC 6582)
  Sequence episode_begin_;              // SND.UNA when the episode began
  Sequence suspicion_end_;    // after recovery: until this is acknowledged it can be undone
  uint32_t first_again_ = 0;  // timestamp_clock() of the first retransmission (RFC 3522)
  uint32_t unproved_ = 0;     // bytes sent again in this episode that no DSACK has reported
  ProportionalRate rate_;
};

}  // namespace plumbline::net::tcp
