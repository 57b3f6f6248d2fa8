// A set of numbers as disjoint ranges: which bytes of a stream have arrived.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>

namespace plumbline::net::simulator {

class RangeSet {
 public:
  // Adds [begin, end), joined with what it overlaps or touches.
  void add(uint64_t begin, uint64_t end) {
    if (begin >= end) return;
    auto at = ranges_.upper_bound(begin);
    if (at != ranges_.begin() && std::prev(at)->second >= begin) --at;
    while (at != ranges_.end() && at->first <= end) {
      begin = std::min(begin, at->first);
      end = std::max(end, at->second);
      at = ranges_.erase(at);
    }
    ranges_.emplace(begin, end);
  }
  // True when all of [begin, end) is in the set.
  bool contains(uint64_t begin, uint64_t end) const {
    if (begin >= end) return true;
    auto at = ranges_.upper_bound(begin);
    return at != ranges_.begin() && std::prev(at)->second >= end;
  }
  // True when any of [begin, end) is.
  bool touches(uint64_t begin, uint64_t end) const {
    if (begin >= end) return false;
    auto at = ranges_.lower_bound(end);
    return at != ranges_.begin() && std::prev(at)->second > begin;
  }
  // The end of the range that holds `from`; `from` when none does.
  uint64_t end_of(uint64_t from) const {
    auto at = ranges_.upper_bound(from);
    return at != ranges_.begin() ? std::max(from, std::prev(at)->second) : from;
  }
  const std::map<uint64_t, uint64_t>& ranges() const { return ranges_; }

 private:
  std::map<uint64_t, uint64_t> ranges_;  // begin to end
};

}  // namespace plumbline::net::simulator
