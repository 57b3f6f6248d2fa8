// What an owner may set of its connection.
#include <algorithm>

#include "net/tcp/connection.hh"

namespace plumbline::net::tcp {

using namespace state_sets;

void Connection::set_no_delay(bool on, Nanoseconds now) {
  no_delay_ = on;
  if (on && is_one_of(state_, kSending)) output(now);
}

void Connection::set_cork(bool on, Nanoseconds now) {
  cork_ = on;
  if (on) return;
  more_ = false;
  if (is_one_of(state_, kSending)) output(now);
}

void Connection::set_quick_acknowledgement(bool on, Nanoseconds now) {
  quick_segments_ = on ? kQuickSegments : uint8_t{0};
  if (on && acknowledge_at_ != kNever) acknowledge_now(now);
}

void Connection::set_keepalive(const Keepalive& keepalive, Nanoseconds now) {
  keepalive_ = keepalive.on;
  keepalive_idle_ = keepalive.idle_seconds;
  keepalive_interval_ = keepalive.interval_seconds;
  keepalive_probes_ = keepalive.probes;
  keepalive_sent_ = 0;
  if (left_ || !is_one_of(state_, kSynchronized)) return;
  idle_at_ = kNever;
  if (keepalive_) {
    idle_at_ = std::max(now, std::max(last_received_, progress_) + keepalive_idle());
    want_timer(idle_at_);
  }
}

Nanoseconds Connection::keepalive_idle() const {
  return seconds(keepalive_idle_ != 0 ? keepalive_idle_ : domain_->settings.keepalive_idle_seconds);
}

Nanoseconds Connection::keepalive_interval() const {
  return seconds(keepalive_interval_ != 0 ? keepalive_interval_
                                          : domain_->settings.keepalive_interval_seconds);
}

unsigned Connection::keepalive_probe_count() const {
  return keepalive_probes_ != 0 ? keepalive_probes_ : domain_->settings.keepalive_probes;
}

void Connection::set_receive_buffer(uint32_t bytes) {
  receive_limit_ = std::max(bytes, kLeastBuffer);
  receive_fixed_ = true;
}

void Connection::set_send_buffer(uint32_t bytes) {
  send_limit_ = std::max(bytes, kLeastBuffer);
  send_fixed_ = true;
  if (blocked_) room_came_free();
}

void Connection::set_maximum_segment(uint16_t bytes) {
  maximum_segment_ = std::max(bytes, domain_->settings.minimum_mss);
  if (!is_one_of(state_, kSynchronized)) set_path_mtu(path_mtu_);
}

void Connection::set_congestion_control(CongestionAlgorithm algorithm) {
  congestion_ = algorithm;
  if (is_one_of(state_, kSynchronized)) recovery_.congestion().set_algorithm(algorithm);
}

Information Connection::information(Nanoseconds now) const {
  Information result;
  result.state = state_;
  result.timestamps = timestamps_;
  result.selective = selective_;
  result.ecn = ecn_;
  result.scaled = scaled_;
  result.send_scale = send_scale_;
  result.receive_scale = receive_scale_;
  result.attempts = static_cast<uint8_t>(std::min(attempts_ + recovery_.timeouts(), 255U));
  result.send_segment = segment_size_;
  result.receive_segment = receive_segment_;
  result.path_mtu = path_mtu_;
  result.timeout = retransmission_timeout();
  result.delayed_acknowledgement = domain_->settings.delayed_acknowledgement;
  result.round_trip = recovery_.rtt().smoothed();
  result.round_trip_variation = recovery_.rtt().variation();
  result.minimum_round_trip = recovery_.rtt().minimum();
  result.since_received = now - last_received_;
  result.congestion_window = recovery_.congestion().window();
  result.slow_start_threshold = recovery_.congestion().threshold();
  result.in_flight = in_flight();
  result.unsent = unsent();
  result.send_window = send_window_;
  result.receive_window = advertised_window();
  result.receive_space = receive_limit_;
  result.counters = counters_;
  return result;
}

}  // namespace plumbline::net::tcp
