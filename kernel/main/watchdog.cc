// Notices a CPU that has stopped scheduling: interrupts masked for ever, a handler that does not
// return, a deadlock of spinlocks. A guest with one CPU has nobody to look; there the harness's
// deadline serves.
#include <array>
#include <atomic>

#include "core/boot_options.hh"
#include "core/clock.hh"
#include "core/init_calls.hh"
#include "core/panic.hh"
#include "core/per_cpu.hh"
#include "sched/thread.hh"

namespace plumbline {
namespace {

BOOT_OPTION(
    std::uint64_t, limit, "watchdog", 0, 0, 3600,
    "seconds after which a cpu that runs no thread it should is reported as stuck (0: off)");

// When each CPU's watching thread last ran, in monotonic nanoseconds.
std::array<std::atomic<std::uint64_t>, kMaxCpus> last_seen;

// One thread a CPU: says that its CPU works and looks at the next one.
void watch(void*) {
  const unsigned here = this_cpu().index;
  const unsigned next = (here + 1) % cpu_count();
  for (;;) {
    last_seen[here].store(monotonic_now().count, std::memory_order_relaxed);
    const Nanoseconds silent{monotonic_now().count -
                             last_seen[next].load(std::memory_order_relaxed)};
    // The other CPU may have written just now, after our clock was read: then the difference wraps.
    if (silent.count < ~std::uint64_t{0} / 2 && silent > seconds(limit.get())) {
      panic_stuck("cpu %u has run no thread for %lu ms; its last was '%s'", next,
                  silent.count / 1'000'000, thread_name(cpu(next).current));
    }
    sleep_for(seconds(limit.get()) / 4);
  }
}

void start_watchdog() {
  if (limit.get() == 0) return;
  for (unsigned i = 0; i < cpu_count(); ++i) {
    last_seen[i].store(monotonic_now().count, std::memory_order_relaxed);
    if (spawn({.name = "watchdog", .cpu = static_cast<int>(i)}, watch, nullptr) == nullptr) {
      panic("no memory for the watchdog of cpu %u", i);
    }
  }
}

INIT_CALL(InitLevel::kService, start_watchdog);

}  // namespace
}  // namespace plumbline
