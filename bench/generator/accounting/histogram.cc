#include "accounting/histogram.hh"

#include <algorithm>
#include <cmath>

namespace plumbline::generator {

void Histogram::add(const Histogram& other) {
  if (other.count_ == 0) return;
  for (uint32_t i = index_of(other.minimum_); i <= index_of(other.maximum_); ++i) {
    counts_[i] += other.counts_[i];
  }
  count_ += other.count_;
  minimum_ = std::min(minimum_, other.minimum_);
  maximum_ = std::max(maximum_, other.maximum_);
}

void Histogram::clear() {
  if (count_ == 0) return;
  // Only what was touched: a slice's latencies cover a small part of the range.
  std::fill(counts_.begin() + index_of(minimum_), counts_.begin() + index_of(maximum_) + 1, 0);
  count_ = 0;
  minimum_ = ~uint64_t{0};
  maximum_ = 0;
}

uint64_t Histogram::at(double quantile) const {
  if (count_ == 0) return 0;
  const auto wanted = std::max<uint64_t>(
      1, static_cast<uint64_t>(std::ceil(quantile * static_cast<double>(count_))));
  uint64_t seen = 0;
  for (uint32_t i = index_of(minimum_); i <= index_of(maximum_); ++i) {
    seen += counts_[i];
    if (seen >= wanted) return middle_of(i);
  }
  return maximum_;
}

std::vector<std::pair<uint64_t, uint64_t>> Histogram::buckets() const {
  std::vector<std::pair<uint64_t, uint64_t>> result;
  if (count_ == 0) return result;
  for (uint32_t i = index_of(minimum_); i <= index_of(maximum_); ++i) {
    if (counts_[i] != 0) result.emplace_back(middle_of(i), counts_[i]);
  }
  return result;
}

}  // namespace plumbline::generator
