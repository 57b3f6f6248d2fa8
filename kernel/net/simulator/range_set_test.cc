#include "net/simulator/range_set.hh"

#include <doctest/doctest.h>

#include <vector>

#include "net/simulator/random.hh"

namespace plumbline::net::simulator {
namespace {

TEST_CASE("ranges agree with a set of single numbers") {
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    RangeSet set;
    std::vector<bool> model(200);
    for (int i = 0; i < 30; ++i) {
      const uint64_t begin = random.below(180);
      const uint64_t end = begin + random.below(20);
      set.add(begin, end);
      for (uint64_t n = begin; n < end; ++n) model[n] = true;
      const uint64_t from = random.below(180);
      const uint64_t to = from + random.below(20);
      bool all = true, any = false;
      for (uint64_t n = from; n < to; ++n) {
        all = all && model[n];
        any = any || model[n];
      }
      CHECK(set.contains(from, to) == all);
      CHECK(set.touches(from, to) == any);
      uint64_t reach = from;
      while (reach < 200 && model[reach]) ++reach;
      CHECK(set.end_of(from) == reach);
      for (auto at = set.ranges().begin(); at != set.ranges().end(); ++at)
        if (std::next(at) != set.ranges().end()) CHECK(at->second < std::next(at)->first);
    }
  }
}

}  // namespace
}  // namespace plumbline::net::simulator
