#include "core/clock.hh"
#include "sched/timer.hh"
#include "tests/crew.hh"
#include "tests/guest_test.hh"

extern "C" std::uint64_t keep_in_red_zone(std::uint64_t rounds, std::uint64_t seed);

namespace plumbline {

// Interrupts and preemption leave registers, flags and the red zone alone.
GUEST_TEST(red_zone_survives_interrupts) {
  const std::uint64_t before = this_cpu().interrupt_count;
  {
    // Two threads a CPU, so that time slices end all the time as well.
    const Crew crew(2 * cpu_count(), [](unsigned number) {
      const Nanoseconds until = monotonic_now() + milliseconds(60);
      while (monotonic_now() < until) {
        Timer timer;
        timer.start(
            Deadline::after(microseconds(30)), [](void*) {}, nullptr);
        CHECK_EQUAL(keep_in_red_zone(2000, number * 1000), 0);
        timer.cancel();
      }
    });
  }
  CHECK(this_cpu().interrupt_count > before + 10);
}

}  // namespace plumbline
