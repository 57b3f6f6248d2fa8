#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "traffic/arrivals.hh"
#include "traffic/keyspace.hh"
#include "traffic/popularity.hh"
#include "traffic/request_sequence.hh"

using namespace plumbline::generator;

namespace {

SizeDistribution fixed(uint32_t bytes) {
  SizeDistribution sizes;
  sizes.minimum = sizes.maximum = bytes;
  return sizes;
}

}  // namespace

TEST_CASE("Zipf draws follow the probabilities r^-s / H") {
  for (const double exponent : {0.5, 0.99, 1.0, 1.2, 2.5}) {
    CAPTURE(exponent);
    constexpr uint32_t kRanks = 50;
    constexpr int kDraws = 400'000;
    double total = 0;
    for (uint32_t rank = 1; rank <= kRanks; ++rank) total += std::pow(rank, -exponent);
    std::vector<int> seen(kRanks + 1);
    const Zipf zipf(kRanks, exponent);
    Random random(7);
    for (int i = 0; i < kDraws; ++i) {
      const uint32_t rank = zipf.draw(random);
      REQUIRE(rank >= 1);
      REQUIRE(rank <= kRanks);
      ++seen[rank];
    }
    double chi_square = 0;
    for (uint32_t rank = 1; rank <= kRanks; ++rank) {
      const double expected = kDraws * std::pow(rank, -exponent) / total;
      chi_square += (seen[rank] - expected) * (seen[rank] - expected) / expected;
    }
    // 49 degrees of freedom: above 94.6 with probability 1e-4.
    CHECK(chi_square < 94.6);
  }
}

TEST_CASE("Zipf with one rank and with millions stays in range") {
  Random random(1);
  CHECK(Zipf(1, 0.99).draw(random) == 1);
  const Zipf large(16'000'000, 0.99);
  for (int i = 0; i < 100'000; ++i) {
    const uint32_t rank = large.draw(random);
    CHECK(rank >= 1);
    CHECK(rank <= 16'000'000);
  }
}

TEST_CASE("uniform popularity reaches every key alike") {
  const Popularity popularity({}, 10);
  Random random(3);
  std::vector<int> seen(10);
  for (int i = 0; i < 100'000; ++i) ++seen[popularity.draw(random)];
  for (const int count : seen) CHECK(std::abs(count - 10'000) < 400);
}

TEST_CASE("scattered ranks are a permutation of the keys") {
  for (const uint32_t keys : {1u, 2u, 10u, 1024u, 99'991u}) {
    const Popularity popularity({true, 0.2}, keys);
    Random random(3);
    std::vector<bool> seen(keys);
    size_t distinct = 0;
    for (uint64_t i = 0; i < 40ull * keys + 1000; ++i) {
      const uint32_t key = popularity.draw(random);
      REQUIRE(key < keys);
      if (!seen[key]) ++distinct;
      seen[key] = true;
    }
    CHECK(distinct == keys);
  }
}

TEST_CASE("generalized Pareto sizes have the quantiles of the formula") {
  SizeDistribution sizes;
  sizes.kind = SizeKind::kGeneralizedPareto;
  sizes.location = 15;
  sizes.scale = 214.476;
  sizes.shape = 0.348238;
  sizes.maximum = 1'000'000;
  // Median of the distribution: location + scale (2^shape - 1) / shape.
  CHECK(sizes.at(0.5) ==
        static_cast<uint32_t>(15 + 214.476 * (std::pow(2, 0.348238) - 1) / 0.348238));
  CHECK(sizes.at(1e-12) == 15);
  sizes.maximum = 300;
  CHECK(sizes.at(0.999999) == 300);
  sizes.shape = 0;  // the exponential distribution
  CHECK(sizes.at(0.5) == static_cast<uint32_t>(15 + 214.476 * std::log(2)));
}

TEST_CASE("discrete sizes take their share and leave the rest to the continuous part") {
  SizeDistribution sizes;
  sizes.kind = SizeKind::kGeneralizedPareto;
  sizes.location = 100;
  sizes.maximum = 100'000;
  sizes.discrete = {{2, 0.25}, {11, 0.25}};
  CHECK(sizes.at(0.1) == 2);
  CHECK(sizes.at(0.3) == 11);
  CHECK(sizes.at(0.51) == 100);
}

TEST_CASE("generalized extreme value sizes have the quantiles of the formula") {
  SizeDistribution sizes;
  sizes.kind = SizeKind::kGeneralizedExtremeValue;
  sizes.location = 30.7984;
  sizes.scale = 8.20449;
  sizes.shape = 0.078688;
  sizes.maximum = 250;
  CHECK(sizes.at(std::exp(-1)) == 30);  // at exp(-1) the quantile is the location
  CHECK(
      sizes.at(0.5) ==
      static_cast<uint32_t>(30.7984 + 8.20449 * (std::pow(std::log(2), -0.078688) - 1) / 0.078688));
}

TEST_CASE("keys are distinct, of their size, and values depend on key and seed alone") {
  SizeDistribution spread;
  spread.kind = SizeKind::kUniform;
  spread.minimum = 4;
  spread.maximum = 40;
  const Keyspace keyspace({1000, spread, spread, 5});
  const Keyspace same({1000, spread, spread, 5});
  const Keyspace other({1000, spread, spread, 6});
  std::vector<char> text;
  for (const uint32_t key : {0u, 7u, 10u, 42u, 99u, 100u, 105u, 999u}) {
    const uint32_t bytes = keyspace.key_bytes(key);
    text.assign(bytes + Keyspace::kKeySlack, '?');  // exactly the room it needs
    keyspace.write_key(key, text.data());
    const std::string digits = std::to_string(key);
    CHECK(std::string(text.data(), bytes) == std::string(bytes - digits.size(), 'k') + digits);
  }
  int differ = 0;
  for (uint32_t key = 0; key < 1000; ++key) {
    CHECK(keyspace.key_bytes(key) >= 4);
    CHECK(keyspace.key_bytes(key) <= 40);
    const auto a = keyspace.value(key), b = same.value(key), c = other.value(key);
    CHECK(std::string(a.begin(), a.end()) == std::string(b.begin(), b.end()));
    differ += std::string(a.begin(), a.end()) != std::string(c.begin(), c.end()) ? 1 : 0;
  }
  CHECK(differ > 990);
}

TEST_CASE("impossible sizes are refused") {
  CHECK_THROWS_AS(Keyspace({1000, fixed(2), fixed(100), 0}), std::invalid_argument);
  CHECK_THROWS_AS(Keyspace({1000, fixed(251), fixed(100), 0}), std::invalid_argument);
  CHECK_THROWS_AS(Keyspace({1000, fixed(8), fixed(60'001), 0}), std::invalid_argument);
  CHECK_NOTHROW(Keyspace({1000, fixed(3), fixed(60'000), 0}));
}

TEST_CASE("a sequence keeps the share of gets and repeats with its seed") {
  const Popularity popularity({}, 100);
  RequestSequence a(popularity, 0.9, 11, 1 << 16), b(popularity, 0.9, 11, 1 << 16);
  int gets = 0;
  for (int i = 0; i < 1 << 16; ++i) {
    const Operation operation = a.next();
    CHECK(operation.key == b.next().key);
    CHECK(operation.key < 100);
    gets += operation.is_set ? 0 : 1;
  }
  CHECK(std::abs(gets - 58'982) < 400);
  CHECK_THROWS_AS(RequestSequence(popularity, 1, 1, 1000), std::invalid_argument);
}

TEST_CASE("arrivals keep their rate and do not wait for answers") {
  Arrivals fixed_gaps(ArrivalKind::kFixed, 100.5, 1);
  fixed_gaps.restart(1000);
  for (int i = 0; i < 9; ++i) fixed_gaps.advance();
  CHECK(fixed_gaps.next() == 1000 + 1005);

  Arrivals poisson(ArrivalKind::kPoisson, 100, 1);
  poisson.restart(0);
  double squares = 0;
  uint64_t last = 0;
  constexpr int kArrivals = 200'000;
  for (int i = 0; i < kArrivals; ++i) {
    const double gap = static_cast<double>(poisson.next() - last);
    squares += gap * gap;
    last = poisson.next();
    poisson.advance();
  }
  const double mean = static_cast<double>(last) / kArrivals;
  CHECK(mean == doctest::Approx(100).epsilon(0.01));
  // Exponential gaps: the mean of the squares is twice the square of the mean.
  CHECK(squares / kArrivals == doctest::Approx(20'000).epsilon(0.02));
}
