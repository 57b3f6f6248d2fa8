// Sequence numbers: arithmetic modulo 2^32 (RFC 9293, 3.4).
#pragma once

#include <cstdint>

namespace plumbline::net::tcp {

// A sequence number. Comparisons are meaningful between numbers less than 2^31 apart, which windows
// of at most 2^30 guarantee (RFC 7323, 2.3); there is no order over all of them, hence no
// operator<=>.
struct Sequence {
  uint32_t value = 0;

  constexpr Sequence operator+(uint32_t bytes) const { return {value + bytes}; }
  constexpr Sequence operator-(uint32_t bytes) const { return {value - bytes}; }
  constexpr Sequence& operator+=(uint32_t bytes) {
    value += bytes;
    return *this;
  }
  // How far this number lies behind `other`: negative when it lies before.
  constexpr int32_t operator-(Sequence other) const {
    return static_cast<int32_t>(value - other.value);
  }
  constexpr bool operator==(const Sequence&) const = default;
  constexpr bool operator<(Sequence other) const { return *this - other < 0; }
  constexpr bool operator<=(Sequence other) const { return *this - other <= 0; }
  constexpr bool operator>(Sequence other) const { return *this - other > 0; }
  constexpr bool operator>=(Sequence other) const { return *this - other >= 0; }
};

constexpr Sequence earlier(Sequence a, Sequence b) { return a < b ? a : b; }
constexpr Sequence later(Sequence a, Sequence b) { return a < b ? b : a; }

// The sequence numbers [begin, end).
struct SequenceRange {
  Sequence begin, end;

  constexpr bool operator==(const SequenceRange&) const = default;
  // Meaningful while begin <= end.
  constexpr uint32_t length() const { return end.value - begin.value; }
  constexpr bool empty() const { return begin == end; }
  // One subtraction covers both ends.
  constexpr bool contains(Sequence number) const { return number.value - begin.value < length(); }
  constexpr bool contains(SequenceRange other) const {
    return begin <= other.begin && other.end <= end;
  }
};

}  // namespace plumbline::net::tcp
