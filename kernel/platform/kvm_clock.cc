#include "platform/kvm_clock.hh"

#include <atomic>

#include "arch/x86_64/cpu.hh"
#include "core/clock.hh"
#include "memory/address.hh"

namespace plumbline {
namespace {

struct [[gnu::packed]] SystemTime {
  std::uint32_t version;
  std::uint32_t pad0;
  std::uint64_t tsc_timestamp;
  std::uint64_t system_time;
  std::uint32_t tsc_to_system_multiplier;
  std::int8_t tsc_shift;
  std::uint8_t flags;
  std::uint8_t pad[2];
};
static_assert(sizeof(SystemTime) == 32);

struct [[gnu::packed]] WallClock {
  std::uint32_t version;
  std::uint32_t seconds;
  std::uint32_t nanoseconds;
};

// Both lie within one page, as the interface demands.
alignas(64) SystemTime system_time;
alignas(16) WallClock wall_clock;

// The host increments the version before and after an update. The structure is read once, right
// after the host has written it in answer to our MSR write on this same CPU, so it is not being
// written to.
bool read_system_time() {
  if (system_time.tsc_to_system_multiplier == 0) {
    write_msr(msr::kKvmSystemTime, to_physical(&system_time).value | 1);
    // Written by the host, which the compiler cannot see.
    std::atomic_signal_fence(std::memory_order_acquire);
  }
  return system_time.tsc_to_system_multiplier != 0;
}

}  // namespace

std::uint64_t kvm_clock_tsc_khz() {
  if (!read_system_time()) return 0;
  const std::uint64_t khz = (std::uint64_t{1'000'000} << 32) / system_time.tsc_to_system_multiplier;
  return system_time.tsc_shift < 0 ? khz << -system_time.tsc_shift : khz >> system_time.tsc_shift;
}

Nanoseconds kvm_clock_wall_now() {
  if (!read_system_time()) return {};
  write_msr(msr::kKvmWallClock, to_physical(&wall_clock).value);
  std::atomic_signal_fence(std::memory_order_acquire);
  if (wall_clock.seconds == 0) return {};
  std::uint64_t ticks = tsc_now() - system_time.tsc_timestamp;
  ticks =
      system_time.tsc_shift < 0 ? ticks >> -system_time.tsc_shift : ticks << system_time.tsc_shift;
  const auto since = static_cast<std::uint64_t>(
      (static_cast<unsigned __int128>(ticks) * system_time.tsc_to_system_multiplier) >> 32);
  return Nanoseconds{std::uint64_t{wall_clock.seconds} * 1'000'000'000 + wall_clock.nanoseconds +
                     system_time.system_time + since};
}

}  // namespace plumbline
