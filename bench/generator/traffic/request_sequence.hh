// The requests of a run, drawn before it starts: a logarithm or two per request would be a tenth of
// the budget.
#pragma once

#include <cstdint>
#include <vector>

#include "traffic/popularity.hh"

namespace plumbline::generator {

struct Operation {
  uint32_t key;
  bool is_set;
};

// A ring of operations. It is read in order, which the hardware prefetcher follows.
class RequestSequence {
 public:
  // 2^20 operations: 4 MiB, repeated after at least 70 ms at 15 M requests/s.
  static constexpr uint32_t kLength = 1 << 20;

  RequestSequence(const Popularity& popularity, double get_share, uint64_t seed,
                  uint32_t length = kLength);

  Operation next() {
    const uint32_t entry = entries_[position_];
    position_ = (position_ + 1) & (static_cast<uint32_t>(entries_.size()) - 1);
    return {entry & ~kSet, (entry & kSet) != 0};
  }

 private:
  static constexpr uint32_t kSet = 1u << 31;
  std::vector<uint32_t> entries_;
  uint32_t position_ = 0;
};

}  // namespace plumbline::generator
