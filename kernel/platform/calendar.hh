// Dates of the proleptic Gregorian calendar.
#pragma once

#include <cstdint>

namespace plumbline {

// Days from 1970-01-01 to a date with a year from 1970 on. Counts years from March, so that the
// leap day comes last.
constexpr std::uint64_t days_since_1970(unsigned year, unsigned month, unsigned day) {
  const unsigned y = month <= 2 ? year - 1 : year;
  const unsigned m = month <= 2 ? month + 9 : month - 3;
  const std::uint64_t leap_days = y / 4 - y / 100 + y / 400;
  // (153 m + 2) / 5 is the number of days before the m-th month after March.
  return std::uint64_t{y} * 365 + leap_days + (153 * m + 2) / 5 + day - 1 - 719468;
}
static_assert(days_since_1970(1970, 1, 1) == 0);
static_assert(days_since_1970(2000, 3, 1) == 11017);
static_assert(days_since_1970(2024, 2, 29) == 19782);

}  // namespace plumbline
