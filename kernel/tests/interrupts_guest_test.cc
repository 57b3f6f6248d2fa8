#include <atomic>

#include "arch/x86_64/interrupts.hh"
#include "core/clock.hh"
#include "core/idle.hh"
#include "tests/crew.hh"
#include "tests/guest_test.hh"

namespace plumbline {
namespace {

std::atomic<unsigned> received;
std::atomic<unsigned> last_cpu;

void count_interrupt(void*) {
  last_cpu.store(this_cpu().index, std::memory_order_relaxed);
  received.fetch_add(1, std::memory_order_release);
}

bool wait_for(unsigned count) {
  const Deadline deadline = Deadline::after(seconds(5));
  while (received.load(std::memory_order_acquire) < count) {
    if (deadline.passed()) return false;
    cpu_relax();
  }
  return true;
}

void spin_for(Nanoseconds span) {
  const Nanoseconds until = monotonic_now() + span;
  while (monotonic_now() < until) cpu_relax();
}

}  // namespace

GUEST_TEST(interrupts_reach_every_cpu) {
  const unsigned vector = allocate_vector(count_interrupt, nullptr);
  for (unsigned target = 0; target < cpu_count(); ++target) {
    received.store(0);
    for (unsigned i = 1; i <= 20; ++i) {
      send_interrupt(target, vector);
      CHECK(wait_for(i));
      CHECK_EQUAL(last_cpu.load(), target);
    }
  }
  free_vector(vector);
}

GUEST_TEST(interrupts_wait_while_masked) {
  const unsigned vector = allocate_vector(count_interrupt, nullptr);
  for (int i = 0; i < 50; ++i) {
    received.store(0);
    {
      const InterruptGuard masked;
      CHECK(!interrupts_enabled());
      send_interrupt(this_cpu().index, vector);
      spin_for(microseconds(100));
      CHECK_EQUAL(received.load(), 0);
      { const InterruptGuard nested; }
      // The end of an inner guard does not unmask.
      CHECK(!interrupts_enabled());
      CHECK_EQUAL(received.load(), 0);
    }
    // Delivered by the unmasking, not some time later; the send itself is asynchronous, hence the
    // wait.
    CHECK(wait_for(1));
    CHECK(interrupts_enabled());
    CHECK_EQUAL(received.load(), 1);
  }
  free_vector(vector);
}

GUEST_TEST(interrupts_many_vectors_while_masked) {
  static std::atomic<std::uint64_t> seen;
  constexpr unsigned kCount = 24;
  unsigned vectors[kCount];
  for (unsigned i = 0; i < kCount; ++i) {
    vectors[i] = allocate_vector(
        [](void* bit) { seen.fetch_or(std::uint64_t{1} << reinterpret_cast<std::uintptr_t>(bit)); },
        reinterpret_cast<void*>(std::uintptr_t{i}));
  }
  for (unsigned source = 0; source < cpu_count(); ++source) {
    seen.store(0);
    const PreemptionGuard stay;
    {
      const InterruptGuard masked;
      for (const unsigned vector : vectors) send_interrupt(this_cpu().index, vector);
      spin_for(microseconds(200));
      CHECK_EQUAL(seen.load(), 0);
    }
    const Deadline deadline = Deadline::after(seconds(5));
    while (seen.load() != (1u << kCount) - 1 && !deadline.passed()) cpu_relax();
    CHECK_EQUAL(seen.load(), (1u << kCount) - 1);
  }
  for (const unsigned vector : vectors) free_vector(vector);
}

GUEST_TEST(interrupts_flood_between_cpus) {
  // Everybody interrupts everybody; every CPU must have got at least one of each burst (equal
  // vectors merge).
  static std::array<std::atomic<std::uint64_t>, kMaxCpus> counts;
  for (auto& count : counts) count.store(0);
  const unsigned vector =
      allocate_vector([](void*) { counts[this_cpu().index].fetch_add(1); }, nullptr);
  {
    const Deadline deadline = Deadline::after(kStressTime);
    const Crew crew(cpu_count(), [&](unsigned) {
      for (int i = 0; i < 300 && !deadline.passed(); ++i) {
        for (unsigned target = 0; target < cpu_count(); ++target) send_interrupt(target, vector);
        if (i % 7 == 0) {
          const InterruptGuard masked;
          spin_for(microseconds(20));
        }
      }
    });
  }
  {
    // A CPU that runs a thread has taken what was sent to it before: nothing is on its way when the
    // vector goes.
    const Crew settle(cpu_count(), [](unsigned) { spin_for(milliseconds(1)); });
  }
  for (unsigned i = 0; i < cpu_count(); ++i) CHECK(counts[i].load() >= 1);
  free_vector(vector);
}

}  // namespace plumbline
