// Copying and comparing the few dozen bytes of a key or a small value.
//
// The kernel has no vector registers, and starting `rep movsb` costs more than moving 100 bytes in
// words; so these go word by word, the last one overlapping.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace plumbline::memcached {

template <typename Word>
inline void copy_word(std::byte* to, const std::byte* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  std::memcpy(to, &word, sizeof word);
}

// Copies `length` bytes, sizeof(Word) to twice that: the first word and the last one, overlapping.
template <typename Word>
inline void copy_ends(std::byte* to, const std::byte* from, size_t length) {
  Word first, last;
  std::memcpy(&first, from, sizeof first);
  std::memcpy(&last, from + length - sizeof last, sizeof last);
  std::memcpy(to, &first, sizeof first);
  std::memcpy(to + length - sizeof last, &last, sizeof last);
}

inline void copy_short(std::byte* to, const std::byte* from, size_t length) {
  if (length > 512) {
    std::memcpy(to, from, length);
    return;
  }
  if (length >= 32) {
    const auto copy_32 = [](std::byte* target, const std::byte* source) {
      copy_word<uint64_t>(target, source);
      copy_word<uint64_t>(target + 8, source + 8);
      copy_word<uint64_t>(target + 16, source + 16);
      copy_word<uint64_t>(target + 24, source + 24);
    };
    const std::byte* const last = from + length - 32;
    std::byte* const last_to = to + length - 32;
    for (; from < last; from += 32, to += 32) copy_32(to, from);
    copy_32(last_to, last);
    return;
  }
  if (length >= 16) {
    copy_word<uint64_t>(to, from);
    copy_word<uint64_t>(to + 8, from + 8);
    copy_word<uint64_t>(to + length - 16, from + length - 16);
    copy_word<uint64_t>(to + length - 8, from + length - 8);
  } else if (length >= 8) {
    copy_ends<uint64_t>(to, from, length);
  } else if (length >= 4) {
    copy_ends<uint32_t>(to, from, length);
  } else if (length >= 2) {
    copy_ends<uint16_t>(to, from, length);
  } else if (length == 1) {
    *to = *from;
  }
}

inline bool equal_short(const std::byte* a, const std::byte* b, size_t length) {
  const auto differ = [&](auto word, size_t at) {
    auto other = word;
    std::memcpy(&word, a + at, sizeof word);
    std::memcpy(&other, b + at, sizeof word);
    return word ^ other;
  };
  if (length >= 8) {
    for (size_t i = 0; i + 8 < length; i += 8)
      if (differ(uint64_t{}, i) != 0) return false;
    return differ(uint64_t{}, length - 8) == 0;
  }
  if (length >= 4) return (differ(uint32_t{}, 0) | differ(uint32_t{}, length - 4)) == 0;
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
