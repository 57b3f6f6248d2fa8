// Units: sizes in bytes and spans of time in nanoseconds.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace plumbline {

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;
inline constexpr std::size_t kGiB = 1024 * kMiB;
inline constexpr std::size_t kPageSize = 4 * kKiB;
inline constexpr std::size_t kLargePageSize = 2 * kMiB;
inline constexpr std::size_t kCacheLine = 64;

constexpr std::uint64_t align_down(std::uint64_t value, std::uint64_t power_of_two) {
  return value & ~(power_of_two - 1);
}
constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t power_of_two) {
  return align_down(value + power_of_two - 1, power_of_two);
}

// A span of time, or a point in time counted from the boot.
struct Nanoseconds {
  std::uint64_t count = 0;

  constexpr auto operator<=>(const Nanoseconds&) const = default;
  constexpr Nanoseconds operator+(Nanoseconds other) const { return {count + other.count}; }
  constexpr Nanoseconds operator-(Nanoseconds other) const { return {count - other.count}; }
  constexpr Nanoseconds operator*(std::uint64_t factor) const { return {count * factor}; }
  constexpr Nanoseconds operator/(std::uint64_t divisor) const { return {count / divisor}; }
  constexpr Nanoseconds& operator+=(Nanoseconds other) {
    count += other.count;
    return *this;
  }
};

constexpr Nanoseconds nanoseconds(std::uint64_t n) { return {n}; }
constexpr Nanoseconds microseconds(std::uint64_t n) { return {n * 1000}; }
constexpr Nanoseconds milliseconds(std::uint64_t n) { return {n * 1000 * 1000}; }
constexpr Nanoseconds seconds(std::uint64_t n) { return {n * 1000 * 1000 * 1000}; }

}  // namespace plumbline
