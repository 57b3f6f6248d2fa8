#include "linux/sockets/tcp_information.hh"

#include <algorithm>

namespace plumbline::linux_abi {

namespace {

// TCPI_OPT_... .
constexpr std::uint8_t kTimestamps = 1, kSelective = 2, kScaled = 4, kEcn = 8;
// Linux' "infinite" threshold, before there was a loss.
constexpr std::uint32_t kNoThreshold = 0x7fff'ffff;

std::uint32_t microseconds_of(Nanoseconds span) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(span.count / 1000, ~std::uint32_t{0}));
}
std::uint32_t milliseconds_of(Nanoseconds span) { return microseconds_of(span) / 1000; }
// Linux counts segments where we count bytes.
std::uint32_t segments(std::uint64_t bytes, std::uint32_t segment) {
  return static_cast<std::uint32_t>((bytes + segment - 1) / segment);
}

}  // namespace

TcpInformation describe_connection(const net::tcp::Information& from) {
  const std::uint32_t segment = std::max<std::uint32_t>(from.send_segment, 1);
  TcpInformation to{};
  to.state = static_cast<std::uint8_t>(from.state);
  to.retransmits = from.attempts;
  to.options = static_cast<std::uint8_t>((from.timestamps ? kTimestamps : 0) |
                                         (from.selective ? kSelective : 0) |
                                         (from.scaled ? kScaled : 0) | (from.ecn ? kEcn : 0));
  to.scales = static_cast<std::uint8_t>(from.send_scale | from.receive_scale << 4);
  to.timeout = microseconds_of(from.timeout);
  to.acknowledgement_timeout = microseconds_of(from.delayed_acknowledgement);
  to.send_segment = from.send_segment;
  to.receive_segment = from.receive_segment;
  to.unacknowledged = segments(from.in_flight, segment);
  to.last_data_received = milliseconds_of(from.since_received);
  to.last_acknowledgement_received = to.last_data_received;
  to.path_mtu = from.path_mtu;
  to.round_trip = microseconds_of(from.round_trip);
  to.round_trip_variation = microseconds_of(from.round_trip_variation);
  to.slow_start_threshold = from.slow_start_threshold >= kNoThreshold
                                ? kNoThreshold
                                : segments(from.slow_start_threshold, segment);
  to.congestion_window = segments(from.congestion_window, segment);
  to.advertised_segment = from.receive_segment;
  to.reordering = 3;
  to.receive_space = from.receive_space;
  to.total_retransmissions = from.counters.segments_retransmitted;
  to.pacing_rate = to.most_pacing_rate = ~std::uint64_t{0};  // not paced
  to.bytes_acknowledged = from.counters.bytes_acknowledged;
  to.bytes_received = from.counters.bytes_received;
  to.segments_out = from.counters.segments_sent;
  to.segments_in = from.counters.segments_received;
  to.not_sent_bytes = from.unsent;
  to.least_round_trip = microseconds_of(from.minimum_round_trip);
  to.bytes_sent =
      from.counters.bytes_acknowledged + from.in_flight + from.counters.bytes_retransmitted;
  to.bytes_retransmitted = from.counters.bytes_retransmitted;
  to.send_window = from.send_window;
  return to;
}

TcpInformation describe_listener(std::uint32_t queued, std::uint32_t backlog) {
  TcpInformation to{};
  to.state = static_cast<std::uint8_t>(net::tcp::State::kListen);
  to.unacknowledged = queued;
  to.selectively_acknowledged = backlog;
  return to;
}

}  // namespace plumbline::linux_abi
