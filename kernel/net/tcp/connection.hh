// A TCP connection (RFC 9293): its state, what it does with a segment, what it sends, and when.
//
// Belongs to a Domain and is used only by whoever holds it. The files behind it, each one idea:
// connection.cc (opening and closing), input*.cc (segments that arrive, the short way first),
// acknowledgements.cc (what they say of our data), receive_window.cc, output.cc (what to send now),
// segment_writer.cc (headers and options), timeouts.cc, path_mtu.cc, information.cc.
#pragma once

#include "core/assert.hh"
#include "net/receive_queue.hh"
#include "net/send_queue.hh"
#include "net/tcp/domain.hh"
#include "net/tcp/information.hh"
#include "net/tcp/loss_recovery.hh"
#include "net/tcp/owner.hh"
#include "net/tcp/segment.hh"
#include "net/tcp/sequence.hh"
#include "net/tcp/state.hh"
#include "net/tcp/timer_wheel.hh"

namespace plumbline::net::tcp {

class Connection {
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

  // Bytes that send() would take now. With less than asked for, kWritable will follow once a third
  // of the buffer is free.
  uint32_t send_room();
  // Queues up to `length` bytes that `copy(std::span<std::byte> to) -> size_t` writes, and sends
  // what may be sent, with the ACK that waits for it. `more`: the caller is about to send more
  // (MSG_MORE): a last piece smaller than a segment waits for it. Returns the bytes taken; 0 in
  // states without sending (see may_send()).
  template <class Copy>
  uint32_t send(uint32_t length, bool more, Nanoseconds now, Copy&& copy) {
    const uint32_t room = send_room();
    const uint32_t taken = send_queue_.append(length < room ? length : room, copy);
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
  // The same at once: the peer gets a RST, nothing queued is sent (RFC 9293 section 3.10.5).
  void abort(Nanoseconds now);

  State state() const { return state_; }
  const FlowKey& key() const { return key_; }
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
  bool set_congestion_control(CongestionAlgorithm algorithm);  // TCP_CONGESTION
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
  void packet_too_big(uint32_t mtu, Sequence sequence, Nanoseconds now);
  // ICMP: a packet that held `sequence` did not arrive; `error` by RFC 1122 section 4.2.3.9.
  // `hard`: it ends a connection that is being opened (none that is open).
  void unreachable(Errno error, bool hard, Sequence sequence, Nanoseconds now);

  // ---- For records that answer for a connection in TIME-WAIT
  // -------------------------------------

  Sequence send_next() const { return send_next_; }
  Sequence receive_next() const { return receive_next_; }
  uint32_t advertised_window() const;  // bytes, as last told
  uint8_t receive_scale() const { return receive_scale_; }
  bool uses_timestamps() const { return timestamps_; }
  uint32_t recent_timestamp() const { return recent_timestamp_; }
  uint32_t timestamp_offset() const { return timestamp_offset_; }
  // A timestamp clock with ticks of 2^20 ns: RFC 7323 section 5.4 wants 1 ms to 1 s.
  static uint32_t timestamp(Nanoseconds now, uint32_t offset) {
    return static_cast<uint32_t>(now.count >> 20) + offset;
  }

 private:
  friend struct Domain;
  friend class SegmentWriter;
  static constexpr Nanoseconds kNever{~uint64_t{0}};
  // A combination of flags that no segment has: see predicted_flags_.
  static constexpr uint8_t kNothingPredicted = 0xff;

  // input.cc: what most segments are, and everything (RFC 9293 section 3.10.7.4).
  bool receive_predicted(Segment& segment, Nanoseconds now);
  void receive_any(Segment& segment, Nanoseconds now);
  bool check_sequence(Segment& segment, Nanoseconds now);
  bool check_timestamp(Segment& segment, Nanoseconds now);
  bool check_reset_and_syn(Segment& segment, Nanoseconds now);
  void predict();
  // input_handshake.cc
  void receive_syn_sent(Segment& segment, Nanoseconds now);
  bool complete_handshake(Segment& segment, Nanoseconds now);
  void take_options(const Segment& syn);
  // input_data.cc: payload that is wanted, the peer's FIN, and the ACK that both need.
  void receive_payload(Segment& segment, Nanoseconds now);
  void receive_in_order(PacketBuffer* frame, uint32_t offset, uint32_t length, Nanoseconds now);
  void receive_fin(Nanoseconds now);
  void data_arrived(uint32_t length, uint32_t pieces, Nanoseconds now);
  bool trim(Segment& segment);
  // acknowledgements.cc: false when the segment is to be dropped.
  bool process_acknowledgement(Segment& segment, Nanoseconds now);
  void acknowledge_new(const Segment& segment, Nanoseconds now);
  void update_send_window(const Segment& segment);
  void fin_acknowledged(Nanoseconds now);
  // receive_window.cc
  uint32_t choose_window();
  void grow_receive_buffer(uint32_t bytes, Nanoseconds now);
  // output.cc
  void output(Nanoseconds now);
  bool output_retransmissions(Nanoseconds now);
  uint32_t next_length(Nanoseconds now);
  bool send_range(SequenceRange range, bool again, Nanoseconds now);
  void acknowledge_now(Nanoseconds now);
  void acknowledge_soon(Nanoseconds now);
  void send_probe(Nanoseconds now);
  void send_syn(Nanoseconds now);
  void send_reset(Nanoseconds now);
  void send_reset_for(const Segment& segment, Nanoseconds now);
  void challenge(Nanoseconds now);
  void defer();
  // timeouts.cc
  void want_timer(Nanoseconds at);
  void arm_next(Nanoseconds now);
  void handshake_timeout(Nanoseconds now);
  void probe_timeout(Nanoseconds now);
  void idle_timeout(Nanoseconds now);
  bool gives_up(unsigned attempts, Nanoseconds now) const;
  // connection.cc
  void established(Nanoseconds now);
  void enter_time_wait(Nanoseconds now);
  void fail(Errno error, Nanoseconds now);
  void leave(State state, Nanoseconds now);
  void notify(uint32_t events);
  // path_mtu.cc
  void set_path_mtu(uint32_t mtu);
  void detect_black_hole(unsigned attempts, Nanoseconds now);

  uint32_t send_space() const;  // bytes the peer's window still takes

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
  bool send_blocked_ : 1 = false;     // send_room() found too little: kWritable is wanted
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
  uint8_t quick_segments_ = 0;   // so many more arriving segments are acknowledged at once
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
  uint32_t receive_segment_ = 536;   // the peer's full-sized segment, as seen
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
  Timer timer_;
  FlowKey key_;
  RouteCache route_;

  // ---- What few segments need -------------------------------------------------------------------

  Connection* next_deferred_ = nullptr;
  Nanoseconds idle_at_ = kNever;  // keep-alive; FIN-WAIT-2 without an owner
  Nanoseconds growth_start_;      // of the round trip that is measured for receive_limit_
  Nanoseconds challenged_;        // when the last challenge ACK went out
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
