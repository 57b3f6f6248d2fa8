#include "net/tcp/proportional_rate.hh"

#include <algorithm>

namespace plumbline::net::tcp {

void ProportionalRate::acknowledged(uint32_t delivered, uint32_t in_flight, uint32_t threshold,
                                    uint32_t mss, bool advancing) {
  delivered_ += delivered;
  int64_t allowed;
  if (in_flight > threshold) {
    const uint64_t share =
        flight_ == 0 ? 0 : (uint64_t{delivered_} * threshold + flight_ - 1) / flight_;
    allowed = static_cast<int64_t>(share) - sent_;
  } else {
    int64_t limit = int64_t{delivered_} - sent_;
    if (advancing) limit = std::max(limit, int64_t{delivered}) + mss;
    allowed = std::min(int64_t{threshold} - in_flight, limit);
  }
  allowed_ = static_cast<uint32_t>(std::clamp<int64_t>(allowed, 0, UINT32_MAX));
}

}  // namespace plumbline::net::tcp
