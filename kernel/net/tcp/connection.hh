// A TCP connection (RFC 9293): its state, what it does with a segment, what it sends, and when.
//
// Belongs to a Domain and is used only by whoever holds it. The files behind it, each one idea:
// connection.cc (opening and closing), input*.cc (segments that arrive, the short way first),
// acknowledgements.cc (what they say of our data), receive_window.cc, output.cc (what to send now),
// segment_writer.cc (headers and options), timeouts.cc, path_mtu.cc, options.cc.
#pragma once

#include <array>
#include <span>

#include "core/assert.hh"
#include "core/intrusive_queue.hh"
#include "net/receive_queue.hh"
#include "net/send_queue.hh"
#include "net/tcp/domain.hh"
#include "net/tcp/flow.hh"
#include "net/tcp/information.hh"
#include "net/tcp/loss_recovery.hh"
#include "net/tcp/owner.hh"
#include "net/tcp/segment.hh"
#include "net/tcp/sequence.hh"
#include "net/tcp/state.hh"
#include "net/tcp/timer_wheel.hh"

namespace plumbline::net::tcp {

class Connection : public Flow {
 public:
  // A closed connection between the two ends of `key`; connect() opens it.
  Connection(Domain& domain, const FlowKey& key);
  // What a listener accepted: in SYN-RECEIVED, with our SYN sent. Give it the segment that
  // completed the handshake by receive(), which takes it to ESTABLISHED.
  Connection(Domain& domain, const FlowKey& key, const Handshake& handshake, Nanoseconds now);
  // Only after it has left (Domain::leave), or was never opened.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // ---- The owner's side -------------------------------------------------------------------------

  // Who is told of events; nullptr: nobody yet (a connection in a listener's queue).
  void set_owner(Owner* owner) { owner_ = owner; }
  Owner* owner() const { return owner_; }

  // Sends a SYN. `initial` as RFC 6528 says; `timestamp_offset` hides the clock (RFC 7323 section
  // 5.4). kConnected or kFailed follows.
  void connect(Sequence initial, uint32_t timestamp_offset, Nanoseconds now);

  // Bytes that send() would take now.
  uint32_t send_room() const {
    const uint32_t used = send_queue_.memory();
    return may_send() && used < send_limit_ ? send_limit_ - used : 0;
  }
  // Whether a third of the send buffer is free.
  bool has_send_room() const { return send_queue_.memory() <= send_limit_ - send_limit_ / 3; }
  // The same for who waits for it: where not, kWritable follows once it is.
  bool writable();
  // Queues up to `length` bytes that `copy(std::span<std::byte> to) -> size_t` writes, and sends
  // what may be sent, with the ACK that waits for it. `more`: the caller is about to send more
  // (MSG_MORE): a last piece smaller than a segment waits for it. Returns the bytes taken; 0 in
  // states without sending (see may_send()). After fewer than `length`, kWritable follows.
  template <class Copy>
  uint32_t send(uint32_t length, bool more, Nanoseconds now, Copy&& copy) {
    const uint32_t room = send_room();
    const uint32_t taken = send_queue_.append(length < room ? length : room, copy);
    if (taken < length) [[unlikely]]
      send_blocked(now);
    if (taken != 0) push(more, now);
    return taken;
  }
  // The same for a caller that appended to send_queue() itself.
  void push(bool more, Nanoseconds now);
  SendQueue& send_queue() { return send_queue_; }

  // Bytes that can be read.
  uint32_t readable() const { return receive_queue_.readable(); }
  // Reads (or peeks) up to `length` bytes through `copy(std::span<const std::byte>) -> size_t`;
  // tells the peer of the room that became free, where that is worth a segment.
  template <class Copy>
  uint32_t read(uint32_t length, Nanoseconds now, Copy&& copy, bool peek = false,
                uint32_t skip = 0) {
    const uint32_t taken = receive_queue_.read(length, copy, peek, skip);
    if (!peek && taken != 0) consumed(taken, now);
    return taken;
  }
  // The same for a caller that took `bytes` from receive_queue() itself.
  void consumed(uint32_t bytes, Nanoseconds now);
  ReceiveQueue& receive_queue() { return receive_queue_; }

  // No more data will be sent: a FIN follows what is queued.
  void shutdown_send(Nanoseconds now);
  // The owner has no interest any more; it may not touch the connection afterwards. Queued data and
  // a FIN are still sent; with unread data the peer gets a RST (RFC 2525 section 2.17). Call
  // Domain::flush() afterwards.
  void close(Nanoseconds now);
  // The same at once: the peer gets a RST, nothing queued is sent (RFC 9293 section 3.10.5). Also
  // for a connection that was closed and lingers.
  void abort(Nanoseconds now);

  State state() const { return state_; }
  // Why the connection is closed, or kNone; the second is what ICMP reported, cleared by reading.
  Errno error() const { return error_; }
  Errno take_soft_error();
  bool may_send() const {
    return (state_ == State::kEstablished || state_ == State::kCloseWait) && !fin_queued_;
  }
  // The peer's FIN was received: after readable() bytes comes the end.
  bool peer_closed() const { return peer_closed_; }
  // All sent bytes (and the FIN) are acknowledged.
  bool drained() const { return send_unacknowledged_ == send_next_ && unsent() == 0; }
  // Bytes sent and not acknowledged (SIOCOUTQ less SIOCOUTQNSD), bytes not sent (SIOCOUTQNSD).
  uint32_t in_flight() const { return static_cast<uint32_t>(send_next_ - send_unacknowledged_); }
  uint32_t unsent() const;
  bool orphaned() const { return orphaned_; }

  // ---- Options ----------------------------------------------------------------------------------

  void set_no_delay(bool on, Nanoseconds now);               // TCP_NODELAY; on: sends what waits
  void set_cork(bool on, Nanoseconds now);                   // TCP_CORK; off: sends what waits
  void set_quick_acknowledgement(bool on, Nanoseconds now);  // TCP_QUICKACK; on: a waiting ACK goes
  void set_keepalive(const Keepalive& keepalive, Nanoseconds now);
  // Data unacknowledged (or keep-alive probes unanswered) for so long end the connection (RFC
  // 5482); 0: the retry limits do.
  void set_user_timeout(uint32_t milliseconds) { user_timeout_ms_ = milliseconds; }
  void set_receive_buffer(uint32_t bytes);  // SO_RCVBUF: fixed from now on
  void set_send_buffer(uint32_t bytes);
  void set_maximum_segment(uint16_t bytes);  // TCP_MAXSEG, before the handshake
  void set_traffic_class(uint8_t value) { traffic_class_ = value; }
  void set_hop_limit(uint8_t value) { hop_limit_ = value; }
  void set_congestion_control(CongestionAlgorithm algorithm);  // TCP_CONGESTION
  CongestionAlgorithm congestion_control() const { return congestion_; }
  bool no_delay() const { return no_delay_; }
  bool cork() const { return cork_; }
  bool quick_acknowledgement() const { return quick_segments_ != 0; }
  uint32_t receive_buffer() const { return receive_limit_; }
  uint32_t send_buffer() const { return send_limit_; }
  // What TCP_INFO shows.
  Information information(Nanoseconds now) const;

  // ---- The network's side -----------------------------------------------------------------------

  // Handles a segment of this flow, taking its frame over. Answers may wait for Domain::flush().
  void receive(Segment& segment, Nanoseconds now);
  // The timer ran out. Called by the wheel.
  void timeout(Nanoseconds now);
  // ICMP: a packet that held `sequence` was larger than the path takes; `mtu` bytes of an IP packet
  // pass. Ignored where the sequence number was not sent lately (RFC 5927 section 4).
  bool packet_too_big(uint32_t mtu, Sequence sequence, Nanoseconds now);
  // ICMP: a packet that held `sequence` did not arrive; `error` by RFC 1122 section 4.2.3.9.
  // `hard`: it ends a connection that is being opened (none that is open).
  bool unreachable(Errno error, bool hard, Sequence sequence, Nanoseconds now);

  // ---- For stacks that hand connections over (moving.cc) ----------------------------------------

  // Whether it is open and at rest: nothing queued, in flight, unread or missing.
  bool may_move() const;
  // Leaves its domain, in which nothing refers to it afterwards but the flow table, for another.
  void move_to(Domain& domain);
  // Afterwards: its timers run again.
  void resume(Nanoseconds now);
  // It has left: gives back what it has of its domain's memory.
  void strip();
  // Of one that has ever moved: the stack whose memory it is, and a bit for each stack whose table
  // has it, which only that stack clears.
  class Stack* maker = nullptr;
  std::atomic<uint64_t> known{0};
  Connection* next_returned = nullptr;

  // ---- For records that answer for a connection in TIME-WAIT
  // -------------------------------------

  Sequence send_next() const { return send_next_; }
  Sequence receive_next() const { return receive_next_; }
  uint32_t advertised_window() const;  // bytes, as last told
  uint8_t receive_scale() const { return receive_scale_; }
  bool uses_timestamps() const { return timestamps_; }
  uint32_t recent_timestamp() const { return recent_timestamp_; }
  uint32_t timestamp_offset() const { return timestamp_offset_; }
  // The timestamp clock ticks in milliseconds: RFC 7323 section 5.4 wants 1 ms to 1 s.
  static uint32_t timestamp(Nanoseconds now, uint32_t offset) {
    return timestamp_clock(now) + offset;
  }

  uint8_t traffic_class() const { return traffic_class_; }
  // The window scale that a buffer of so many bytes needs.
  static uint8_t window_scale(uint32_t bytes);
  // The connection that a timer of the wheel belongs to.
  static Connection& of(Timer& timer) { return *member_owner<&Connection::timer_>(&timer); }
  // For the queue of a listener that holds what nobody has accepted yet.
  QueueHook accept_hook;

 private:
  friend struct Domain;
  friend class SegmentWriter;
  friend struct LongWay;  // connection_short_way_test.cc: compares the short ways with the long
                          // ones
  static constexpr Nanoseconds kNever{~uint64_t{0}};
  // A combination of flags that no segment has: see predicted_flags_.
  static constexpr uint8_t kNothingPredicted = 0xff;
  // Segments acknowledged one by one: at first, so that the peer's window opens quickly, until the
  // program turns out to answer; and after what may have been a loss.
  static constexpr uint8_t kQuickSegments = 16;
  static constexpr uint8_t kQuickSegmentsAfterLoss = 4;
  static constexpr uint8_t kEct0 = 2;  // RFC 3168 section 5
  static constexpr uint32_t kLeastBuffer = 4096;
  static constexpr Nanoseconds kReducedTime = seconds(600);    // see try_larger_segments()
  static constexpr Nanoseconds kIdleTime = milliseconds(200);  // the shortest time-out
  static constexpr Nanoseconds kCorkTime = milliseconds(200);  // tcp(7)
  static constexpr Nanoseconds kRetryTime = milliseconds(10);  // after a lack of memory
  static constexpr Nanoseconds kDeviceTime = milliseconds(1);  // with a device that is behind

  // input.cc: what most segments are, and everything (RFC 9293 section 3.10.7.4).
  bool receive_predicted(Segment& segment, Nanoseconds now);
  void receive_any(Segment& segment, Nanoseconds now);
  bool process(Segment& segment, Nanoseconds now);
  bool check_timestamp(Segment& segment, Nanoseconds now);
  bool check_sequence(Segment& segment, Nanoseconds now);
  bool check_reset_and_syn(Segment& segment, Nanoseconds now);
  void answer_unacceptable(const Segment& segment, Nanoseconds now);
  void challenge(Nanoseconds now);
  void predict();
  // input_handshake.cc
  void receive_syn_sent(Segment& segment, Nanoseconds now);
  bool complete_handshake(Segment& segment, Nanoseconds now);
  void take_options(const Segment& syn);
  // input_data.cc: payload that is wanted, the peer's FIN, and the ACK that both need.
  void receive_payload(Segment& segment, Nanoseconds now);
  void receive_in_order(Segment& segment, Nanoseconds now);
  void receive_behind_gap(Segment& segment);
  void receive_fin(Nanoseconds now);
  void measure_segment(const Segment& segment, uint32_t length);
  void data_arrived(const Segment& segment, uint32_t length, Nanoseconds now);
  bool trim(Segment& segment);
  void report_duplicate(SequenceRange range);
  bool has_room(uint32_t length) const;
  bool holds_beyond(Sequence end) const;
  static void drop(Segment& segment);
  // acknowledgements.cc
  bool process_acknowledgement(Segment& segment, Nanoseconds now);
  void acknowledge_new(const Segment& segment, Nanoseconds now);
  void acknowledge_again(const Segment& segment, uint32_t window_before, Nanoseconds now);
  void fill(Acknowledgement& to, const Segment& segment) const;
  void update_send_window(const Segment& segment);
  void set_send_window(const Segment& segment) {
    send_window_ = uint32_t{segment.window} << send_scale_;
    if (send_window_ > largest_window_) largest_window_ = send_window_;
    window_sequence_ = segment.sequence;
    window_acknowledgement_ = segment.acknowledgement;
  }
  void our_fin_acknowledged(Nanoseconds now);
  void send_blocked(Nanoseconds now);
  void room_came_free();
  void grow_send_buffer();
  // receive_window.cc
  uint16_t syn_window() const;
  uint32_t receive_space() const;
  uint16_t choose_window();
  void grow_receive_buffer(Nanoseconds now);
  // output_predicted.cc: what most sends are.
  bool output_predicted(Nanoseconds now);
  // output.cc
  void output(Nanoseconds now);
  void output_retransmissions(Nanoseconds now);
  uint32_t next_length(Nanoseconds now);
  uint32_t sends(uint32_t length);
  uint32_t held_back(Nanoseconds now);
  // Whether a segment may go that is not full-sized (Nagle, section 3.7.4): not while another of
  // the kind is in flight. (That one, rather than any data, so that the end of a large write does
  // not wait for a delayed ACK: Minshall, "Application performance pitfalls and TCP's Nagle
  // algorithm", 1999.)
  bool small_segment_allowed() const {
    if (corked()) return false;
    return no_delay_ || in_flight() == 0 || small_end_ <= send_unacknowledged_;
  }
  bool send_range(SequenceRange range, bool again, Nanoseconds now);
  void acknowledge_now(Nanoseconds now);
  void send_probe(Nanoseconds now);
  void no_memory(Nanoseconds now);
  void wait_for_device(Nanoseconds now);
  void defer();
  bool may_want_output() const;
  uint32_t most_in_frame() const;
  uint32_t send_space() const;
  bool corked() const { return cork_ || more_; }
  // Queued and not sent, once the handshake is over. A FIN that was sent is the last in flight.
  uint32_t unsent_data() const {
    const uint32_t sent = in_flight();
    return send_queue_.size() - sent + (fin_sent_ && sent != 0);
  }
  // segment_writer.cc
  uint32_t plain_header() const;
  std::byte* write_header(std::byte* at, uint8_t flags, Sequence sequence, uint32_t length,
                          Nanoseconds now);
  bool wants_sack() const;
  unsigned choose_sack(std::array<SequenceRange, 4>& blocks);
  void send_syn(Nanoseconds now);
  void send_reset(Nanoseconds now);
  void send_reset_for(const Segment& segment, Nanoseconds now);
  void send_reset_with(TcpHeader& header, Nanoseconds now);
  void send_control(std::span<const std::byte> header, Nanoseconds now);
  // timeouts.cc
  void want_timer(Nanoseconds at) {
    if (!timer_.armed() || at < timer_.deadline()) [[unlikely]]
      domain_->timers->arm(timer_, at);
  }
  void arm_next(Nanoseconds now);
  void recovery_timeout(Nanoseconds now);
  void send_tail_probe(Nanoseconds now);
  void handshake_timeout(Nanoseconds now);
  void probe_timeout(Nanoseconds now);
  void idle_timeout(Nanoseconds now);
  bool waits_for_peer() const;
  bool gives_up(unsigned attempts) const;
  void give_up(Nanoseconds now);
  Nanoseconds user_deadline() const;
  Nanoseconds probe_interval() const;
  Nanoseconds retransmission_timeout() const;
  // options.cc
  Nanoseconds keepalive_idle() const;
  Nanoseconds keepalive_interval() const;
  unsigned keepalive_probe_count() const;
  // connection.cc
  void established(Nanoseconds now);
  void enter_time_wait(Nanoseconds now);
  void abort_now(Nanoseconds now);
  void fail(Errno error, Nanoseconds now);
  void leave(State state, Nanoseconds now);
  void notify(uint32_t events) {
    if (owner_ != nullptr) owner_->notify(*owner_, *this, events);
  }
  // path_mtu.cc
  uint32_t network_header() const;
  uint16_t own_mss() const;
  void set_path_mtu(uint32_t mtu);
  void reduce_segments(uint32_t mtu, Nanoseconds now);
  void try_larger_segments(Nanoseconds now);
  void detect_black_hole(unsigned attempts, Nanoseconds now);

  // ---- What each segment needs, first -----------------------------------------------------------

  // A segment with these flags (PSH aside) takes the short way: ACK in ESTABLISHED while nothing is
  // out of order, else kNothingPredicted.
  uint8_t predicted_flags_ = kNothingPredicted;
  State state_ = State::kClosed;
  uint8_t send_scale_ = 0;     // Snd.Wind.Shift (RFC 7323 section 2.3)
  uint8_t receive_scale_ = 0;  // Rcv.Wind.Shift
  bool timestamps_ : 1 = false;
  bool selective_ : 1 = false;
  bool ecn_ : 1 = false;
  bool echo_congestion_ : 1 = false;     // ECE until CWR comes (RFC 3168 section 6.1.3)
  bool congestion_reduced_ : 1 = false;  // CWR is to be sent with the next new data
  bool no_delay_ : 1 = false;
  bool cork_ : 1 = false;
  bool more_ : 1 = false;             // as cork, until the next send (MSG_MORE)
  bool acknowledge_now_ : 1 = false;  // an ACK goes out at the burst's end at the latest
  bool deferred_ : 1 = false;         // in the domain's list
  bool blocked_ : 1 = false;          // a send found too little room: kWritable is wanted
  bool fin_queued_ : 1 = false;       // a FIN follows the send queue
  bool fin_sent_ : 1 = false;         // and has the number before send_next_
  bool peer_fin_known_ : 1 = false;   // it lies at peer_fin_, perhaps behind a gap
  bool peer_closed_ : 1 = false;      // it was reached
  bool orphaned_ : 1 = false;         // close() was called
  bool left_ : 1 = true;              // in no flow table
  bool opened_actively_ : 1 = false;
  bool receive_fixed_ : 1 = false;  // SO_RCVBUF was set: no growth
  bool send_fixed_ : 1 = false;
  bool retransmitted_syn_ : 1 = false;
  bool duplicate_ : 1 = false;  // duplicate_range_ is to be reported (RFC 2883)
  bool keepalive_ : 1 = false;
  bool scaled_ : 1 = false;     // both SYNs had a window scale
  uint8_t quick_segments_ = 0;  // so many more arriving segments are acknowledged at once
  CongestionAlgorithm congestion_ = CongestionAlgorithm::kCubic;
  uint8_t probe_backoff_ = 0;    // probes of a closed window since something was sent last
  uint8_t keepalive_sent_ = 0;   // probes since the peer was heard last
  uint8_t attempts_ = 0;         // SYNs, or probes without an answer
  uint16_t segment_size_ = 536;  // payload of a full-sized segment: MSS less options (RFC 6691)
  uint16_t peer_mss_ = 536;
  Sequence send_unacknowledged_;   // SND.UNA
  Sequence send_next_;             // SND.NXT; never goes back
  Sequence receive_next_;          // RCV.NXT
  Sequence receive_edge_;          // RCV.NXT + RCV.WND as last told: never goes back
  Sequence last_acknowledged_;     // Last.ACK.sent (RFC 7323 section 4.3)
  uint32_t recent_timestamp_ = 0;  // TS.Recent
  uint32_t timestamp_offset_ = 0;
  uint32_t send_window_ = 0;         // SND.WND, in bytes
  Sequence window_sequence_;         // SND.WL1
  Sequence window_acknowledgement_;  // SND.WL2
  uint32_t largest_window_ = 0;      // Max(SND.WND)
  Sequence small_end_;               // end of the last segment sent that was not full-sized (Nagle)
  uint16_t receive_segment_ = 536;   // the peer's full-sized segment, as seen
  uint32_t receive_limit_;
  uint32_t send_limit_;
  Domain* domain_;
  Owner* owner_ = nullptr;
  Nanoseconds last_received_;            // from the peer
  Nanoseconds progress_;                 // new data acknowledged, or sent with none in flight
  Nanoseconds acknowledge_at_ = kNever;  // delayed ACK
  Nanoseconds probe_at_ = kNever;  // SYN again, zero window, held back by Nagle's or SWS rules
  SendQueue send_queue_;
  ReceiveQueue receive_queue_;
  LossRecovery recovery_;
  Timer timer_{TimerKind::kConnection};
  RouteCache route_;

  // ---- What few segments need -------------------------------------------------------------------

  Connection* next_deferred_ = nullptr;
  Nanoseconds idle_at_ = kNever;  // keep-alive; FIN-WAIT-2 without an owner
  Nanoseconds syn_sent_at_;       // for the first round trip; 0: not known
  Nanoseconds growth_start_;      // of the round trip that is measured for receive_limit_
  Nanoseconds challenged_;        // when the last challenge ACK went out
  Nanoseconds mtu_reduced_at_;    // 0: it was not
  uint32_t growth_bytes_ = 0;     // read by the program since then
  Sequence peer_fin_;
  SequenceRange duplicate_range_;
  uint32_t user_timeout_ms_ = 0;
  uint16_t keepalive_idle_ = 0;
  uint16_t keepalive_interval_ = 0;
  uint8_t keepalive_probes_ = 0;
  uint8_t traffic_class_ = 0;
  uint8_t hop_limit_ = 64;
  uint16_t path_mtu_ = 0;         // bytes of an IP packet
  uint16_t maximum_segment_ = 0;  // TCP_MAXSEG; 0: none
  Errno error_ = Errno::kNone;
  Errno soft_error_ = Errno::kNone;
  Counters counters_;
};

}  // namespace plumbline::net::tcp
