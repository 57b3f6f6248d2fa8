// Copying and comparing the few dozen bytes of a key or a small value.
//
// The kernel has no vector registers, and starting `rep movsb` costs more than moving 100 bytes in
// words; so these go word by word, the last one overlapping.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace plumbline::memcached {

inline void copy_short(std::byte* to, const std::byte* from, size_t length) {
  if (length > 512) {
    std::memcpy(to, from, length);
    return;
  }
  uint64_t a, b, c, d;
  if (length >= 8) {
    const std::byte* const end = from + length;
    std::byte* const to_end = to + length;
    while (from + 32 <= end) {
      std::memcpy(&a, from, 8);
      std::memcpy(&b, from + 8, 8);
      std::memcpy(&c, from + 16, 8);
      std::memcpy(&d, from + 24, 8);
      std::memcpy(to, &a, 8);
      std::memcpy(to + 8, &b, 8);
      std::memcpy(to + 16, &c, 8);
      std::memcpy(to + 24, &d, 8);
      from += 32;
      to += 32;
    }
    while (from + 8 <= end) {
      std::memcpy(&a, from, 8);
      std::memcpy(to, &a, 8);
      from += 8;
      to += 8;
    }
    std::memcpy(&a, end - 8, 8);
    std::memcpy(to_end - 8, &a, 8);
    return;
  }
  for (size_t i = 0; i < length; ++i) to[i] = from[i];
}

inline bool equal_short(const std::byte* a, const std::byte* b, size_t length) {
  uint64_t x, y;
  if (length >= 8) {
    for (size_t i = 0; i + 8 <= length; i += 8) {
      std::memcpy(&x, a + i, 8);
      std::memcpy(&y, b + i, 8);
      if (x != y) return false;
    }
    std::memcpy(&x, a + length - 8, 8);
    std::memcpy(&y, b + length - 8, 8);
    return x == y;
  }
  for (size_t i = 0; i < length; ++i)
    if (a[i] != b[i]) return false;
  return true;
}

// Writes `value` in decimal; returns how many characters (1 to 20).
inline size_t write_decimal(std::byte* to, uint64_t value) {
  std::byte digits[20];
  size_t count = 0;
  do {
    digits[20 - ++count] = static_cast<std::byte>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  std::memcpy(to, digits + 20 - count, count);
  return count;
}

}  // namespace plumbline::memcached
