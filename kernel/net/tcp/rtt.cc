#include "net/tcp/rtt.hh"

namespace plumbline::net::tcp {

void RttEstimator::rotate_minimum(uint32_t now) {
  const uint32_t window = clock(kMinimumWindow);
  // After a pause longer than a window both are old.
  const bool pause = now - window_end_ >= window;
  previous_minimum_ = pause ? UINT32_MAX : minimum_;
  minimum_ = UINT32_MAX;
  window_end_ = (pause ? now : window_end_) + window;
}

}  // namespace plumbline::net::tcp
