#include "drivers/random/random.hh"

#include <cpuid.h>

#include <array>

#include "core/clock.hh"
#include "drivers/random/generator.hh"
#include "sync/lock_guard.hh"
#include "sync/spinlock.hh"

namespace plumbline {
namespace {

Spinlock lock;
random::Generator generator;
bool seeded = false;

bool cpu_random(uint64_t& value) {
  uint8_t good;
  asm volatile("rdrand %0; setc %1" : "=r"(value), "=qm"(good) : : "cc");
  return good != 0;
}

// Whoever calls holds the lock.
void seed_from_cpu() {
  seeded = true;
  std::array<uint64_t, 8> seed{};
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool has_rdrand = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_RDRND) != 0;
  for (uint64_t& word : seed) {
    // RDRAND may fail for a moment under load: ten tries, as Intel's manual advises (volume
    // 1, 7.3.17).
    for (int tries = 10; has_rdrand && tries > 0 && !cpu_random(word); --tries) {
    }
    word ^= tsc_now();
  }
  generator.mix(std::as_bytes(std::span(seed)));
}

}  // namespace

void random_bytes(std::span<std::byte> bytes) {
  LockGuard guard(lock);
  if (!seeded) seed_from_cpu();
  generator.fill(bytes);
}

uint64_t random_u64() {
  uint64_t value;
  random_bytes(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

void add_randomness(std::span<const std::byte> seed) {
  LockGuard guard(lock);
  if (!seeded) seed_from_cpu();
  generator.mix(seed);
}

}  // namespace plumbline
