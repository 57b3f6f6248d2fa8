#include "net/tcp/reassembly.hh"

#include <doctest/doctest.h>

namespace plumbline::net::tcp {

TEST_CASE("offsets go round while a gap stays") {
  Reassembly ranges;
  const auto insert = [&](OffsetRange range) {
    const Reassembly::Place place = ranges.find(range);
    REQUIRE(place.kept == range);
    ranges.keep(place, {});
  };
  insert({1000, 2000});
  // 10 GB pass, and there is always something that is not next yet.
  for (uint64_t passed = 0; passed < 10'000'000'000; passed += 499'999'000) {
    insert({500'000'000, 500'001'000});
    OffsetRange blocks[3];
    REQUIRE(ranges.recent(blocks) == 2);
    REQUIRE(blocks[0] == OffsetRange{500'000'000, 500'001'000});
    REQUIRE(blocks[1] == OffsetRange{1000, 2000});
    ranges.advance(1000);
    const Reassembly::Next next = ranges.take_next();
    REQUIRE(next.skip == 0);
    REQUIRE(next.length == 1000);
    ranges.advance(1000);
    REQUIRE(ranges.take_next().length == 0);
    ranges.advance(499'997'000);
  }
}

}  // namespace plumbline::net::tcp
