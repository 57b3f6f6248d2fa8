// What the owner of a connection (a socket, a native application, a test) is told, and the values
// it exchanges with the connection.
#pragma once

#include <cstdint>

#include "core/errno.hh"
#include "core/units.hh"
#include "net/tcp/sequence.hh"
#include "net/tcp/state.hh"

namespace plumbline::net::tcp {

class Connection;

// Bits of what happened to a connection since the last notice.
enum Event : uint32_t {
  kConnected = 1,   // the handshake is over
  kReadable = 2,    // more data can be read
  kWritable = 4,    // there is room again after a send found none
  kPeerClosed = 8,  // the peer will send no more data (FIN)
  kDrained = 16,    // all that was sent is acknowledged, after shutdown_send() the FIN, too
  kFailed = 32,     // the connection is closed for the reason error() gives
  kSoftError = 64,  // ICMP told of trouble that may pass: soft_error()
  kClosed = 128,    // the connection is closed, or in TIME-WAIT: nothing more will happen
};

// One pointer in each connection: an owner has this as its first base or member.
struct Owner {
  // Called in the domain, in the middle of handling a segment or a time-out: it may wake somebody
  // and look at the connection, but not change it (read, send, close).
  void (*notify)(Owner& owner, Connection& connection, uint32_t events) = nullptr;
};

// What a listener agreed with a peer by the first two segments of a handshake.
struct Handshake {
  Sequence initial_send;          // ISS: of our SYN
  Sequence initial_receive;       // IRS: of the peer's
  uint32_t receive_window = 0;    // bytes our SYN offered
  uint16_t send_window = 0;       // and the peer's; a SYN's window is never scaled (RFC 7323 2.2)
  uint16_t peer_mss = 536;        // its MSS option (RFC 9293 section 3.7.1: 536, IPv6 1220)
  int8_t send_scale = -1;         // its window scale option; -1: none, then neither of us scales
  uint8_t receive_scale = 0;      // ours
  bool selective = false;         // both permitted SACK
  bool timestamps = false;        // both sent timestamps
  bool ecn = false;               // both agreed to ECN (RFC 3168 section 6.1.1)
  uint32_t recent_timestamp = 0;  // of the peer's SYN (TS.Recent)
  uint32_t timestamp_offset = 0;  // of our clock (Connection::timestamp)
  Nanoseconds answered;           // when our SYN was sent; 0: not known (cookies)
  bool retransmitted = false;     // it was sent more than once
};

// How often and when a silent peer is asked whether it is there (RFC 9293 section 3.8.4).
struct Keepalive {
  bool on = false;
  uint16_t idle_seconds = 0;  // 0: the domain's setting, here and below
  uint16_t interval_seconds = 0;
  uint8_t probes = 0;
};

}  // namespace plumbline::net::tcp
