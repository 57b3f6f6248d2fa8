// What a connection tells about itself (TCP_INFO), free of any ABI.
#pragma once

#include <cstdint>

#include "core/units.hh"
#include "net/tcp/state.hh"

namespace plumbline::net::tcp {

// Kept by each connection.
struct Counters {
  uint64_t bytes_received = 0;      // payload in order
  uint64_t bytes_acknowledged = 0;  // of ours
  uint32_t segments_received = 0;   // as on the wire
  uint32_t segments_sent = 0;
  uint32_t bytes_retransmitted = 0;
  uint32_t segments_retransmitted = 0;
};

struct Information {
  State state = State::kClosed;
  bool timestamps = false;
  bool selective = false;
  bool ecn = false;
  bool scaled = false;
  uint8_t send_scale = 0;
  uint8_t receive_scale = 0;
  uint8_t attempts = 0;          // time-outs or probes without an answer
  uint32_t send_segment = 0;     // bytes
  uint32_t receive_segment = 0;  // as seen from the peer
  uint32_t path_mtu = 0;
  Nanoseconds timeout;  // RTO
  Nanoseconds delayed_acknowledgement;
  Nanoseconds round_trip;  // SRTT
  Nanoseconds round_trip_variation;
  Nanoseconds minimum_round_trip;
  Nanoseconds since_received;
  uint32_t congestion_window = 0;  // bytes
  uint32_t slow_start_threshold = 0;
  uint32_t in_flight = 0;  // bytes sent and not acknowledged
  uint32_t unsent = 0;
  uint32_t send_window = 0;     // the peer's, bytes
  uint32_t receive_window = 0;  // ours, as last told
  uint32_t receive_space = 0;   // SO_RCVBUF
  Counters counters;
};

}  // namespace plumbline::net::tcp
