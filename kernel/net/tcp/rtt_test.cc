#include "net/tcp/rtt.hh"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

namespace plumbline::net::tcp {
namespace {

constexpr RtoLimits kLimits;

TEST_CASE("before the first measurement the timeout is a second, and doubles") {
  RttEstimator rtt;
  CHECK_FALSE(rtt.has_sample());
  CHECK(rtt.timeout(kLimits) == seconds(1));
  rtt.back_off();
  CHECK(rtt.timeout(kLimits) == seconds(2));
  for (int i = 0; i < 40; ++i) rtt.back_off();
  CHECK(rtt.timeout(kLimits) == kLimits.maximum);
  CHECK(rtt.minimum() == Nanoseconds{});
}

TEST_CASE("the first measurement R: SRTT = R, RTTVAR = R / 2, RTO = 3 R (RFC 6298, 2.2)") {
  RttEstimator rtt;
  rtt.sample(milliseconds(400), milliseconds(400), seconds(1));
  CHECK(rtt.smoothed().count / 2048 == milliseconds(400).count / 2048);
  CHECK(std::abs(static_cast<double>(rtt.timeout(kLimits).count) - 1.2e9) < 4096);
}

TEST_CASE("estimates follow RFC 6298's formulas in floating point") {
  std::mt19937 random(1);
  for (double scale : {30e3, 1e6, 5e7, 2e9}) {
    RttEstimator rtt;
    double srtt = 0, rttvar = 0;
    for (int i = 0; i < 2000; ++i) {
      const double r = scale * (0.5 + static_cast<double>(random() % 1000) / 500);
      const Nanoseconds measured{static_cast<uint64_t>(r)};
      rtt.sample(measured, measured, milliseconds(static_cast<uint64_t>(i)));
      if (i == 0) {
        srtt = r;
        rttvar = r / 2;
      } else {
        rttvar += (std::abs(srtt - r) - rttvar) / 4;
        srtt += (r - srtt) / 8;
      }
      // Rounding loses less than a unit of 1024 ns at each of a few places.
      REQUIRE(std::abs(static_cast<double>(rtt.smoothed().count) - srtt) < 3 * 1024 + srtt / 500);
      REQUIRE(std::abs(static_cast<double>(rtt.variation().count) - rttvar) <
              6 * 1024 + rttvar / 100);
      const double rto = std::min(std::max(srtt + 4 * rttvar, 200e6), 120e9);
      REQUIRE(std::abs(static_cast<double>(rtt.timeout(kLimits).count) - rto) <
              30 * 1024 + rto / 100);
    }
  }
}

TEST_CASE("a sample ends the backoff, and limits hold with it") {
  RttEstimator rtt;
  rtt.sample(microseconds(50), microseconds(50), seconds(1));
  CHECK(rtt.timeout(kLimits) == kLimits.minimum);
  rtt.back_off();
  rtt.back_off();
  CHECK(rtt.timeout(kLimits) == kLimits.minimum * 4);
  rtt.sample(microseconds(50), microseconds(50), seconds(1));
  CHECK(rtt.backoff() == 0);
  CHECK(rtt.timeout(kLimits) == kLimits.minimum);
}

TEST_CASE("no span is too short or too long") {
  RttEstimator rtt;
  rtt.sample({}, {}, {});
  CHECK(rtt.has_sample());
  CHECK(rtt.smoothed().count == 1024);
  for (int i = 0; i < 100; ++i) rtt.sample(Nanoseconds{UINT64_MAX}, {UINT64_MAX}, seconds(1));
  CHECK(rtt.smoothed() > seconds(200));
  CHECK(rtt.timeout(kLimits) == kLimits.maximum);
}

TEST_CASE("the minimum is of the last window or the one before, whatever the clock says") {
  for (const uint64_t start :
       {uint64_t{0}, uint64_t{1} << 51, (uint64_t{1} << 52) - 50'000'000'000}) {
    RttEstimator rtt;
    const Nanoseconds begin{start};
    const auto at = [&](uint64_t s, uint64_t us) {
      rtt.sample(microseconds(us * 2), microseconds(us), begin + seconds(s));
    };
    const auto minimum = [&] { return (rtt.minimum().count + 512) / 1024; };
    at(0, 1024);
    at(1, 512);
    at(2, 2048);
    CHECK(minimum() == 500);
    at(149, 2048);
    CHECK(minimum() == 500);
    at(200, 1024);  // the next window; the one before counts still
    CHECK(minimum() == 500);
    at(310, 4096);  // and now no longer
    CHECK(minimum() == 1000);
    at(5000, 8192);  // a pause
    CHECK(minimum() == 8000);
  }
}

}  // namespace
}  // namespace plumbline::net::tcp
