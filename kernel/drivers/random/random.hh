// The kernel's randomness.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace plumbline {

/// Fills `bytes` with random bytes. Seeded at the first call from the CPU (RDRAND where it exists)
/// and the time stamp counter, and again from the entropy device when that is up. Any thread, not
/// in interrupt handlers.
void random_bytes(std::span<std::byte> bytes);
uint64_t random_u64();

/// Mixes more randomness in.
void add_randomness(std::span<const std::byte> seed);

}  // namespace plumbline
