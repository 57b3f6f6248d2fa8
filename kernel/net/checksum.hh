// The Internet checksum (RFC 1071) and its incremental update (RFC 1624).
//
// Sums are kept in the machine's byte order: the one's complement sum does not care (RFC 1071,
// section 2, B), so a finished checksum is stored with store_native16(), unswapped.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace plumbline::net {

// One's complement addition of 64-bit words: a carry out comes back in at the bottom.
constexpr uint64_t add_with_carry(uint64_t a, uint64_t b) {
  const uint64_t sum = a + b;
  return sum + (sum < b);
}

// Folds a 64-bit one's complement sum to 16 bits. A number plus itself with its halves exchanged
// has in its upper half the sum of the halves with the carry added back in.
constexpr uint16_t fold_sum(uint64_t sum) {
  const auto half = static_cast<uint32_t>((sum + std::rotr(sum, 32)) >> 32);
  return static_cast<uint16_t>((half + std::rotr(half, 16)) >> 16);
}

constexpr uint16_t finish_checksum(uint64_t sum) { return static_cast<uint16_t>(~fold_sum(sum)); }

// Adds `bytes` to a running sum. Only the last piece of a sum may have an odd length.
uint64_t sum_bytes(std::span<const std::byte> bytes, uint64_t sum = 0);

// The checksum of `bytes`; 0 when they include their own correct checksum.
inline uint16_t internet_checksum(std::span<const std::byte> bytes) {
  return finish_checksum(sum_bytes(bytes));
}

// The checksum after one of the 16-bit words under it changed from `before` to `after` (all three
// in the same byte order): RFC 1624, equation 3.
constexpr uint16_t update_checksum(uint16_t checksum, uint16_t before, uint16_t after) {
  return finish_checksum(uint64_t{static_cast<uint16_t>(~checksum)} +
                         static_cast<uint16_t>(~before) + after);
}

inline uint16_t load_native16(const std::byte* at) {
  uint16_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
inline void store_native16(std::byte* at, uint16_t value) { std::memcpy(at, &value, sizeof value); }

}  // namespace plumbline::net
