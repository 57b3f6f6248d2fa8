#include "core/clock.hh"

#include <atomic>

#include "arch/x86_64/apic.hh"
#include "core/boot_options.hh"
#include "core/log.hh"
#include "platform/platform.hh"

namespace plumbline {
namespace {

BOOT_OPTION(std::uint64_t, epoch, "clock.epoch", 0, 0, 1ull << 40,
            "seconds since 1970 at boot, for hosts without a wall clock (0: ask the host)");

std::uint64_t khz;
// Nanoseconds since 1970 at boot; 0 until somebody asks, because asking may exit.
std::atomic<std::uint64_t> wall_at_boot;

}  // namespace

namespace clock_detail {
std::uint64_t ns_per_tsc_fraction = std::uint64_t{1} << 32;  // 1 GHz until measured
std::uint64_t tsc_per_ns_fraction = std::uint64_t{1} << 32;
std::uint64_t tsc_at_boot;
}  // namespace clock_detail

void initialise_clock() {
  clock_detail::tsc_at_boot = boot_record.entry_tsc;
  khz = platform().tsc_khz != 0 ? platform().tsc_khz : apic::measure_tsc_khz();
  clock_detail::ns_per_tsc_fraction = (std::uint64_t{1'000'000} << 32) / khz;
  clock_detail::tsc_per_ns_fraction = (khz << 32) / 1'000'000;
}

std::uint64_t tsc_khz() { return khz; }

Nanoseconds wall_clock_at_boot() {
  std::uint64_t base = wall_at_boot.load(std::memory_order_relaxed);
  if (base == 0) {
    Nanoseconds now =
        epoch.given ? seconds(epoch.get()) + monotonic_now() : read_platform_wall_clock();
    if (now.count == 0) {
      log_warning("no wall clock: time starts at 1970; the boot option clock.epoch sets it");
      now = seconds(1) + monotonic_now();
    }
    base = (now - monotonic_now()).count;
    // Two CPUs may both ask; the first answer stays, so that the clock does not jump.
    std::uint64_t expected = 0;
    if (!wall_at_boot.compare_exchange_strong(expected, base, std::memory_order_relaxed)) {
      base = expected;
    }
  }
  return {base};
}

Nanoseconds wall_clock_now_ns() {
  const Nanoseconds base = wall_clock_at_boot();
  return base + monotonic_now();
}

}  // namespace plumbline
