#include "accounting/histogram.hh"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "traffic/random.hh"

using namespace plumbline::generator;

TEST_CASE("buckets are exact below 2048 and keep three digits above") {
  for (uint64_t value = 0; value < 2048; ++value)
    CHECK(Histogram::middle_of(Histogram::index_of(value)) == value);
  Random random(1);
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t value = random.next() >> (24 + random.next() % 39);
    const uint32_t index = Histogram::index_of(value);
    CHECK(Histogram::lowest_of(index) <= value);
    CHECK(Histogram::lowest_of(index + 1) > value);
    const double middle = static_cast<double>(Histogram::middle_of(index));
    CHECK(std::fabs(middle - static_cast<double>(value)) <= 0.0005 * static_cast<double>(value));
  }
}

TEST_CASE("quantiles agree with the sorted values") {
  Random random(2);
  Histogram histogram;
  std::vector<uint64_t> values;
  for (int i = 0; i < 10'001; ++i) {
    values.push_back(100 + (random.next() >> (40 + random.next() % 20)));
    histogram.record(values.back());
  }
  std::sort(values.begin(), values.end());
  CHECK(histogram.count() == values.size());
  CHECK(histogram.minimum() == values.front());
  CHECK(histogram.maximum() == values.back());
  for (const double quantile : {0.001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const double exact = static_cast<double>(
        values[static_cast<size_t>(std::ceil(quantile * static_cast<double>(values.size()))) - 1]);
    CHECK(static_cast<double>(histogram.at(quantile)) == doctest::Approx(exact).epsilon(0.001));
  }
}

TEST_CASE("adding and clearing") {
  Histogram a, b;
  a.record(5);
  b.record(5'000'000);
  b.record(5);
  a.add(b);
  a.add(Histogram());
  CHECK(a.count() == 3);
  const auto buckets = a.buckets();
  REQUIRE(buckets.size() == 2);
  CHECK(buckets[0] == std::pair<uint64_t, uint64_t>{5, 2});
  CHECK(buckets[1].second == 1);
  a.clear();
  CHECK(a.count() == 0);
  CHECK(a.buckets().empty());
  CHECK(a.at(0.5) == 0);
  a.record(7);
  CHECK(a.buckets().size() == 1);
}

TEST_CASE("what is beyond the range counts as its end") {
  Histogram histogram;
  histogram.record(~uint64_t{0});
  CHECK(histogram.maximum() == Histogram::kMaximum);
  CHECK(histogram.buckets().size() == 1);
}
