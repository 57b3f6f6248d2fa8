#include "port/damage.hh"

#include <doctest/doctest.h>

namespace plumbline::generator {

TEST_CASE("damage hits the shares asked for, the same way for the same seed") {
  constexpr int kPackets = 1'000'000;
  Damage damage({.drop = 0.02, .cut = 0.05, .seed = 7});
  Damage again({.drop = 0.02, .cut = 0.05, .seed = 7});
  Damage other({.drop = 0.02, .cut = 0.05, .seed = 8});
  int dropped = 0, cut = 0, differs = 0, differs_by_seed = 0;
  for (int i = 0; i < kPackets; ++i) {
    const Damage::Fate fate = damage.next();
    dropped += fate == Damage::Fate::kDropped;
    cut += fate == Damage::Fate::kCut;
    differs += again.next() != fate;
    differs_by_seed += other.next() != fate;
  }
  // Seven standard deviations of a binomial at most.
  CHECK(dropped == doctest::Approx(20'000).epsilon(0.05));
  CHECK(cut == doctest::Approx(50'000).epsilon(0.032));
  CHECK(differs == 0);
  CHECK(differs_by_seed > 0);
}

TEST_CASE("no damage and nothing but damage") {
  Damage none({.drop = 0, .cut = 0, .seed = 1});
  Damage cuts({.drop = 0, .cut = 1, .seed = 1});
  for (int i = 0; i < 10'000; ++i) {
    CHECK(none.next() == Damage::Fate::kIntact);
    CHECK(cuts.next() == Damage::Fate::kCut);
  }
}

TEST_CASE("a cut takes at least one byte and leaves at least one") {
  Damage damage({.drop = 0, .cut = 1, .seed = 3});
  bool least = false, most = false;
  for (int i = 0; i < 10'000; ++i) {
    const uint16_t bytes = damage.cut_length(10);
    REQUIRE(bytes >= 1);
    REQUIRE(bytes <= 9);
    least |= bytes == 1;
    most |= bytes == 9;
  }
  CHECK(least);
  CHECK(most);
  CHECK(damage.cut_length(2) == 1);
}

}  // namespace plumbline::generator
