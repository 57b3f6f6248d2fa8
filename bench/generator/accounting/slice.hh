// What is counted, by slice, by placement and for a whole run.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "accounting/histogram.hh"
#include "accounting/placement.hh"

namespace plumbline::generator {

struct Counters {
  uint64_t sent = 0;
  uint64_t replies = 0;
  uint64_t lost = 0;
  uint64_t late = 0;
  uint64_t duplicates = 0;
  uint64_t bad = 0;
  uint64_t unexpected = 0;
  uint64_t gets = 0;
  uint64_t sets = 0;
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t stored = 0;
  uint64_t verified = 0;
  // Of TCP: payload that the server acknowledged and that came from it; connections established;
  // segments sent again; connections that ended though nobody here wanted it.
  uint64_t bytes_sent = 0;
  uint64_t bytes_received = 0;
  uint64_t opened = 0;
  uint64_t retransmissions = 0;
  uint64_t resets = 0;

  // What was counted since `earlier`, of which this is a later reading.
  Counters since(const Counters& earlier) const;
};

// What the polling loop itself did.
struct LoopCounters {
  uint64_t busy_ticks = 0;
  uint64_t polls = 0;
  uint64_t rx_bursts = 0;
  uint64_t tx_full = 0;
  uint64_t largest_burst = 0;      // reset at the start of a slice
  uint64_t longest_lag_ticks = 0;  // reset at the start of a slice
};

struct Slice {
  uint32_t index = 0;
  bool measured = false;  // false: warm-up
  uint64_t start_ns = 0;
  uint64_t duration_ns = 0;
  Placement placement = Placement::kUnknown;
  std::optional<double> rtt_before_ns;
  std::optional<double> rtt_after_ns;
  Counters counters;
  double busy_share = 0;
  uint64_t own_loss = 0;
  uint64_t tx_full = 0;
  uint64_t polls = 0;
  uint64_t rx_bursts = 0;
  uint64_t largest_burst = 0;
  uint64_t off_cpu_ns = 0;
  uint64_t steal_ns = 0;
  uint64_t longest_lag_ns = 0;

  double rate() const {
    return duration_ns == 0
               ? 0
               : static_cast<double>(counters.replies) * 1e9 / static_cast<double>(duration_ns);
  }
};

struct PlacementSummary {
  uint64_t slices = 0;
  uint64_t duration_ns = 0;
  uint64_t sent = 0;
  uint64_t replies = 0;
  uint64_t lost = 0;
  uint64_t late = 0;
  double busy_ns = 0;
  Histogram latency;
  Histogram connect_latency;  // from the opening of connections to their handshakes' ends
};

// Steady: the last two slices have one placement and rates that differ by at most `tolerance` of
// the larger.
bool is_steady(const std::vector<Slice>& slices, double tolerance);

// Sums the measured slices of each placement; latencies are added by the caller as slices end.
class PlacementSummaries {
 public:
  void add_latency(Placement placement, const Histogram& latency) {
    by_placement_[placement].latency.add(latency);
  }
  void add_connect_latency(Placement placement, const Histogram& latency) {
    by_placement_[placement].connect_latency.add(latency);
  }
  void add_slice(const Slice& slice);
  const std::map<Placement, PlacementSummary>& all() const { return by_placement_; }

 private:
  std::map<Placement, PlacementSummary> by_placement_;
};

}  // namespace plumbline::generator
