// struct tcp_info as Linux 6.1 lays it out (include/uapi/linux/tcp.h).
#pragma once

#include <cstdint>

#include "net/tcp/information.hh"

namespace plumbline::linux_abi {

struct TcpInformation {
  std::uint8_t state, congestion_state, retransmits, probes, backoff, options;
  std::uint8_t scales;  // the peer's in the lower half, ours in the upper
  std::uint8_t limits;
  // Times in microseconds.
  std::uint32_t timeout, acknowledgement_timeout, send_segment, receive_segment;
  std::uint32_t unacknowledged, selectively_acknowledged, lost, retransmitted, forward;
  // Milliseconds ago.
  std::uint32_t last_data_sent, last_acknowledgement_sent, last_data_received,
      last_acknowledgement_received;
  std::uint32_t path_mtu, receive_threshold, round_trip, round_trip_variation, slow_start_threshold,
      congestion_window, advertised_segment, reordering;
  std::uint32_t receive_round_trip, receive_space, total_retransmissions;
  std::uint64_t pacing_rate, most_pacing_rate, bytes_acknowledged, bytes_received;
  std::uint32_t segments_out, segments_in, not_sent_bytes, least_round_trip, data_segments_in,
      data_segments_out;
  std::uint64_t delivery_rate, busy_time, window_limited, buffer_limited;
  std::uint32_t delivered, delivered_marked;
  std::uint64_t bytes_sent, bytes_retransmitted;
  std::uint32_t duplicates, reordering_seen, receive_out_of_order, send_window;
};
static_assert(sizeof(TcpInformation) == 232);

TcpInformation describe_connection(const net::tcp::Information& information);
// Of a listener Linux tells how many wait and how many may (tcpi_unacked, tcpi_sacked).
TcpInformation describe_listener(std::uint32_t queued, std::uint32_t backlog);

}  // namespace plumbline::linux_abi
