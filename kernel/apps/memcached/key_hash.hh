// The store's hash function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace plumbline::memcached {

// A key's hash with a secret seed. Two 64-bit words at a time go through a 64x64 to 128 bit
// multiplication whose halves are combined, the construction of wyhash (Wang Yi, 2019). The seed
// makes it hard to find colliding keys from outside; it is no cryptographic hash.
inline uint64_t hash_key(std::span<const std::byte> key, uint64_t seed) {
  constexpr uint64_t kFirst = 0xa076'1d64'78bd'642f;
  constexpr uint64_t kSecond = 0xe703'7ed1'a0b4'28db;
  const auto mix = [](uint64_t a, uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  const auto load8 = [](const std::byte* at) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    return word;
  };
  const auto load4 = [](const std::byte* at) -> uint64_t {
    uint32_t word;
    std::memcpy(&word, at, 4);
    return word;
  };
  const std::byte* at = key.data();
  const size_t length = key.size();
  uint64_t a, b;
  if (length > 16) {
    size_t left = length;
    for (; left > 16; left -= 16, at += 16) seed = mix(load8(at) ^ kFirst, load8(at + 8) ^ seed);
    // The last 16 bytes, overlapping what was read.
    a = load8(at + left - 16);
    b = load8(at + left - 8);
  } else if (length >= 8) {
    a = load8(at);
    b = load8(at + length - 8);
  } else if (length >= 4) {
    a = load4(at);
    b = load4(at + length - 4);
  } else {
    a = b = 0;
    for (size_t i = 0; i < length; ++i) a = a << 8 | static_cast<uint64_t>(at[i]);
  }
  return mix(kSecond ^ length, mix(a ^ kFirst, b ^ seed));
}

}  // namespace plumbline::memcached
