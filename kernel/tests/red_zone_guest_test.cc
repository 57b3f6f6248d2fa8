#include "core/clock.hh"
#include "sched/timer.hh"
#include "tests/crew.hh"
#include "tests/guest_test.hh"

extern "C" std::uint64_t keep_in_red_zone(std::uint64_t rounds, std::uint64_t seed);

namespace plumbline {

constexpr std::uint64_t kLeastInterrupts = 10;

// Interrupts and preemption leave registers, flags and the red zone alone.
GUEST_TEST(red_zone_survives_interrupts) {
  // Two threads a CPU, so that time slices end all the time as well.
  const Crew crew(2 * cpu_count(), [](unsigned number) {
    const std::uint64_t before = this_cpu().interrupt_count;
    const Nanoseconds begin = monotonic_now();
    const auto tested_enough = [&] {
      return monotonic_now() > begin + milliseconds(60) &&
             this_cpu().interrupt_count > before + kLeastInterrupts;
    };
    // Where the host has few CPUs for many of ours, the interrupts come late.
    const Nanoseconds limit = begin + seconds(20);
    while (!tested_enough() && monotonic_now() < limit) {
      Timer timer;
      timer.start(
          Deadline::after(microseconds(30)), [](void*) {}, nullptr);
      CHECK_EQUAL(keep_in_red_zone(2000, number * 1000), 0);
      timer.cancel();
    }
    CHECK(this_cpu().interrupt_count > before + kLeastInterrupts);
  });
}

}  // namespace plumbline
