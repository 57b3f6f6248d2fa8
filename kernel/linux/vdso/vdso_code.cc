// The code of the vDSO (vdso(7)): calls that programs make most often and that need nothing of the
// kernel but the time stamp counter and a page of constants. Runs as a part of the program: its own
// stack, no vector registers.
#include <cstddef>
#include <cstdint>

#include "core/per_cpu.hh"
#include "linux/time/timespec.hh"
#include "linux/vdso/time_page.hh"

using namespace plumbline;
using namespace plumbline::linux_abi;

extern "C" {
// In front of the image (vdso.lds).
[[gnu::visibility("hidden")]] extern const TimePage time_page;
}

namespace {

constexpr long kCallClockGetTime = 228, kCallClockGetResolution = 229;

long call_kernel(long number, long first, void* second) {
  long result;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(first), "S"(second)
               : "rcx", "r11", "memory");
  return result;
}

std::uint64_t monotonic() {
  std::uint32_t low, high;
  // The fence keeps the reading from being made before earlier loads: who has read another thread's
  // time gets a later one.
  asm volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
  const std::uint64_t tsc = (static_cast<std::uint64_t>(high) << 32) | low;
  return static_cast<std::uint64_t>((static_cast<unsigned __int128>(tsc - time_page.tsc_at_boot) *
                                     time_page.ns_per_tsc_fraction) >>
                                    32);
}

std::uint64_t realtime() { return time_page.realtime_at_boot + monotonic(); }

// Real time and its coarse and international sisters; monotonic, raw, coarse and since boot.
constexpr unsigned kRealtimeClocks = 1u << 0 | 1u << 5 | 1u << 11;
constexpr unsigned kMonotonicClocks = 1u << 1 | 1u << 4 | 1u << 6 | 1u << 7;

unsigned clock_bit(int clock) { return clock >= 0 && clock < 16 ? 1u << clock : 0; }

}  // namespace

extern "C" {

int __vdso_clock_gettime(int clock, TimeSpec* time) {
  const unsigned bit = clock_bit(clock);
  std::uint64_t now;
  if ((bit & kRealtimeClocks) != 0) {
    now = realtime();
  } else if ((bit & kMonotonicClocks) != 0) {
    now = monotonic();
  } else {
    return static_cast<int>(call_kernel(kCallClockGetTime, clock, time));
  }
  *time = to_timespec({now});
  return 0;
}

int __vdso_clock_getres(int clock, TimeSpec* resolution) {
  return static_cast<int>(call_kernel(kCallClockGetResolution, clock, resolution));
}

int __vdso_gettimeofday(TimeValue* time, std::uint64_t* zone) {
  if (time != nullptr) *time = to_timeval({realtime()});
  if (zone != nullptr) *zone = 0;
  return 0;
}

std::int64_t __vdso_time(std::int64_t* seconds) {
  const auto now = static_cast<std::int64_t>(realtime() / kNanosecondsPerSecond);
  if (seconds != nullptr) *seconds = now;
  return now;
}

// The kernel's block of this CPU is on GS for programs too.
int __vdso_getcpu(unsigned* cpu, unsigned* node, void*) {
  std::uint32_t index;
  asm volatile("movl %%gs:%c1, %0" : "=r"(index) : "i"(offsetof(PerCpu, index)));
  if (cpu != nullptr) *cpu = index;
  if (node != nullptr) *node = 0;
  return 0;
}

}  // extern "C"
