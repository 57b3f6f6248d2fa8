#include "linux/time/timespec.hh"

#include <doctest/doctest.h>

#include <limits>

namespace plumbline::linux_abi {

TEST_CASE("times become nanoseconds and back") {
  const Result<Nanoseconds> time = from_timespec({12, 345'678'901});
  REQUIRE(time);
  CHECK((*time).count == 12'345'678'901);
  CHECK(to_timespec(*time).seconds == 12);
  CHECK(to_timespec(*time).nanoseconds == 345'678'901);
  CHECK(to_timeval(*time).microseconds == 345'678);
  CHECK((*from_timeval({1, 999'999})).count == 1'999'999'000);
}

TEST_CASE("times out of range are refused") {
  CHECK(from_timespec({-1, 0}).error() == Errno::kEINVAL);
  CHECK(from_timespec({0, -1}).error() == Errno::kEINVAL);
  CHECK(from_timespec({0, 1'000'000'000}).error() == Errno::kEINVAL);
  CHECK(from_timeval({0, 1'000'000}).error() == Errno::kEINVAL);
  CHECK(from_timeval({0, -1}).error() == Errno::kEINVAL);
}

TEST_CASE("a very long time is for ever") {
  const Result<Nanoseconds> time =
      from_timespec({std::numeric_limits<std::int64_t>::max(), 999'999'999});
  REQUIRE(time);
  CHECK((*time).count > std::uint64_t{292} * 365 * 86400 * 1'000'000'000);
  CHECK((*time).count < std::numeric_limits<std::uint64_t>::max());
}

TEST_CASE("missed expiries are counted") {
  const Nanoseconds ten = nanoseconds(10);
  CHECK(advance_expiry(nanoseconds(100), ten, nanoseconds(99)).missed == 0);
  CHECK(advance_expiry(nanoseconds(100), ten, nanoseconds(99)).next.count == 100);
  CHECK(advance_expiry(nanoseconds(100), ten, nanoseconds(100)).missed == 0);
  CHECK(advance_expiry(nanoseconds(100), ten, nanoseconds(100)).next.count == 110);
  CHECK(advance_expiry(nanoseconds(100), ten, nanoseconds(135)).missed == 3);
  CHECK(advance_expiry(nanoseconds(100), ten, nanoseconds(135)).next.count == 140);
}

}  // namespace plumbline::linux_abi
