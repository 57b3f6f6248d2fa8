#include "accounting/slice.hh"

#include <algorithm>
#include <cmath>

namespace plumbline::generator {

Counters Counters::since(const Counters& earlier) const {
  Counters result = *this;
  result.sent -= earlier.sent;
  result.replies -= earlier.replies;
  result.lost -= earlier.lost;
  result.late -= earlier.late;
  result.duplicates -= earlier.duplicates;
  result.bad -= earlier.bad;
  result.unexpected -= earlier.unexpected;
  result.gets -= earlier.gets;
  result.sets -= earlier.sets;
  result.hits -= earlier.hits;
  result.misses -= earlier.misses;
  result.stored -= earlier.stored;
  result.verified -= earlier.verified;
  result.bytes_sent -= earlier.bytes_sent;
  result.bytes_received -= earlier.bytes_received;
  result.opened -= earlier.opened;
  result.retransmissions -= earlier.retransmissions;
  result.resets -= earlier.resets;
  return result;
}

bool is_steady(const std::vector<Slice>& slices, double tolerance) {
  if (slices.size() < 2) return false;
  const Slice& last = slices.back();
  const Slice& before = slices[slices.size() - 2];
  if (last.placement != before.placement || last.placement == Placement::kMixed) return false;
  const double larger = std::max(last.rate(), before.rate());
  return larger > 0 && std::fabs(last.rate() - before.rate()) <= tolerance * larger;
}

void PlacementSummaries::add_slice(const Slice& slice) {
  PlacementSummary& summary = by_placement_[slice.placement];
  ++summary.slices;
  summary.duration_ns += slice.duration_ns;
  summary.sent += slice.counters.sent;
  summary.replies += slice.counters.replies;
  summary.lost += slice.counters.lost;
  summary.late += slice.counters.late;
  summary.busy_ns += slice.busy_share * static_cast<double>(slice.duration_ns);
}

}  // namespace plumbline::generator
