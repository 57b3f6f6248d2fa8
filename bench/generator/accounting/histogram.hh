// Log-linear histogram of durations with three significant digits, in the manner of HdrHistogram
// (Gil Tene): below 2,048 every value has its own bucket, above, each doubling is divided into
// 1,024.
#pragma once

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace plumbline::generator {

class Histogram {
 public:
  // Largest value told apart: 2^40 ns, 18 minutes. What is longer counts as that.
  static constexpr uint64_t kMaximum = (uint64_t{1} << 40) - 1;

  Histogram() : counts_(index_of(kMaximum) + 1) {}

  void record(uint64_t value) {
    if (value > kMaximum) value = kMaximum;
    ++counts_[index_of(value)];
    ++count_;
    if (value < minimum_) minimum_ = value;
    if (value > maximum_) maximum_ = value;
  }
  void add(const Histogram& other);
  void clear();

  uint64_t count() const { return count_; }
  // 0 when empty.
  uint64_t minimum() const { return count_ == 0 ? 0 : minimum_; }
  uint64_t maximum() const { return maximum_; }
  // The middle of the bucket in which the share `quantile` (0 to 1) of all values is reached.
  uint64_t at(double quantile) const;
  // Non-empty buckets, ascending: middle of the bucket, count.
  std::vector<std::pair<uint64_t, uint64_t>> buckets() const;

  static constexpr uint32_t index_of(uint64_t value) {
    // Shift so that the value's leading 11 bits remain; each shift adds a half bucket array.
    const int width = static_cast<int>(std::bit_width(value | (kSubBuckets - 1)));
    const int shift = width - kSubBucketBits;
    return static_cast<uint32_t>(shift) * kHalf + static_cast<uint32_t>(value >> shift);
  }
  static constexpr uint64_t lowest_of(uint32_t index) {
    if (index < kSubBuckets) return index;
    const uint32_t shift = index / kHalf - 1;
    return static_cast<uint64_t>(index - shift * kHalf) << shift;
  }
  static constexpr uint64_t middle_of(uint32_t index) {
    return (lowest_of(index) + lowest_of(index + 1) - 1) / 2;
  }

 private:
  static constexpr int kSubBucketBits = 11;
  static constexpr uint32_t kSubBuckets = 1u << kSubBucketBits;
  static constexpr uint32_t kHalf = kSubBuckets / 2;

  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  uint64_t minimum_ = ~uint64_t{0};
  uint64_t maximum_ = 0;
};

}  // namespace plumbline::generator
