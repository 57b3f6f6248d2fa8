#include "accounting/slice.hh"

#include <doctest/doctest.h>

#include "accounting/host_disturbance.hh"
#include "accounting/placement_probe.hh"

using namespace plumbline::generator;

namespace {

Slice slice(Placement placement, uint64_t replies) {
  Slice result;
  result.placement = placement;
  result.counters.replies = replies;
  result.duration_ns = 1'000'000'000;
  return result;
}

}  // namespace

TEST_CASE("placements by round trip, and of a slice by both its ends") {
  CHECK(classify(55.0) == Placement::kNear);
  CHECK(classify(150.0) == Placement::kFar);
  CHECK(classify(550.0) == Placement::kRemote);
  CHECK(classify(std::nullopt) == Placement::kUnknown);
  CHECK(combine(Placement::kNear, Placement::kNear) == Placement::kNear);
  CHECK(combine(Placement::kNear, Placement::kFar) == Placement::kMixed);
  CHECK(combine(Placement::kNear, Placement::kUnknown) == Placement::kUnknown);
}

TEST_CASE("steady is two slices alike in rate and placement") {
  CHECK_FALSE(is_steady({slice(Placement::kNear, 100)}, 0.05));
  CHECK(is_steady({slice(Placement::kNear, 100), slice(Placement::kNear, 104)}, 0.05));
  CHECK_FALSE(is_steady({slice(Placement::kNear, 100), slice(Placement::kNear, 110)}, 0.05));
  CHECK_FALSE(is_steady({slice(Placement::kNear, 100), slice(Placement::kFar, 100)}, 0.05));
  CHECK_FALSE(is_steady({slice(Placement::kMixed, 100), slice(Placement::kMixed, 100)}, 0.05));
  CHECK(is_steady({slice(Placement::kUnknown, 100), slice(Placement::kUnknown, 100)}, 0.05));
  CHECK_FALSE(is_steady({slice(Placement::kNear, 0), slice(Placement::kNear, 0)}, 0.05));
}

TEST_CASE("placements are summed apart") {
  PlacementSummaries summaries;
  summaries.add_slice(slice(Placement::kNear, 100));
  summaries.add_slice(slice(Placement::kNear, 50));
  summaries.add_slice(slice(Placement::kFar, 7));
  CHECK(summaries.all().at(Placement::kNear).replies == 150);
  CHECK(summaries.all().at(Placement::kNear).slices == 2);
  CHECK(summaries.all().at(Placement::kFar).replies == 7);
}

TEST_CASE("counters since an earlier reading") {
  Counters earlier, later;
  earlier.sent = 5;
  later.sent = 12;
  later.verified = 3;
  CHECK(later.since(earlier).sent == 7);
  CHECK(later.since(earlier).verified == 3);
}

TEST_CASE("steal of one core from /proc/stat") {
  const char* text =
      "cpu  1 2 3 4 5 6 7 100 9 10\ncpu0 1 2 3 4 5 6 7 42 9 10\ncpu1 1 2 3 4 5 6 7 43 0 0\ncpu10 1 "
      "2 3 4 5 6 7 44 0 0\nintr 5\n";
  CHECK(steal_ticks(text, 0) == 42);
  CHECK(steal_ticks(text, 1) == 43);
  CHECK(steal_ticks(text, 10) == 44);
  CHECK(steal_ticks(text, 2) == 0);
  CHECK(steal_ticks("cpu 1\ncpu0 1 2\n", 0) == 0);
  CHECK(steal_ticks("", 0) == 0);
}

TEST_CASE("the probe refuses a core that does not exist and ends when nobody measures") {
  CHECK_THROWS_AS(PlacementProbe(1023), std::system_error);
  PlacementProbe probe(0);
  // With one core for both threads there is no answer in time; with two there is. Neither hangs.
  const auto round_trip = probe.measure();
  if (round_trip) CHECK(*round_trip > 0);
}
