// What a CPU does when it has no thread to run, and what it has done.
#include "core/idle.hh"

#include "core/log_ring.hh"
#include "sched/spinlock/switch.hh"

namespace plumbline::scheduler {
namespace {

// Whether it is time to drain the log; if not yet, makes sure that the CPU does not sleep through
// it. Masked.
bool may_drain() {
  static constinit Timer alarm;
  const Deadline at = log_drain_time();
  if (at.passed()) return true;
  if (!alarm.hook.linked)
    alarm.start(
        at, [](void*) {}, nullptr);
  return false;
}

}  // namespace

// Only asked by those who wait: counted as waiting.
IDLE_TEXT bool others_runnable() { return local().length_unlocked() != 0; }

IDLE_TEXT void idle_loop() {
  PerCpu& here = this_cpu();
  RunQueue& queue = local();
  mask_interrupts();
  for (;;) {
    here.need_reschedule = 0;
    queue.slice_armed = false;
    // Before the length is read, and the other way round in `tell_other_cpu`.
    here.halted.store(1, std::memory_order_seq_cst);
    if (__atomic_load_n(&queue.length, __ATOMIC_SEQ_CST) == 0) {
      if (here.index == 0 && log_has_text() && may_drain()) {
        here.halted.store(0, std::memory_order_relaxed);
        unmask_interrupts();
        log_drain_block();
      } else {
        idle_wait();
      }
      mask_interrupts();
    }
    here.halted.store(0, std::memory_order_relaxed);
    if (queue.length_unlocked() != 0) {
      queue.lock.lock_masked();
      switch_to_next<Switcher::kAny>(queue);
    }
  }
}

std::uint64_t idle_ticks(unsigned index) {
  const Thread& idle = *queue_of(index).idle;
  const std::uint64_t ticks = idle.run_ticks;
  if (cpu(index).current != &idle) return ticks;
  const std::uint64_t now = tsc_now();
  return now > idle.switched_in ? ticks + (now - idle.switched_in) : ticks;
}

Statistics statistics() {
  Statistics sum{};
  for (unsigned i = 0; i < cpu_count(); ++i) {
    const RunQueue& queue = queue_of(i);
    // Other CPUs' counters, as they are.
    sum.switches += __atomic_load_n(&queue.switches, __ATOMIC_RELAXED);
    sum.preemptions += __atomic_load_n(&queue.preemptions, __ATOMIC_RELAXED);
    sum.migrations += __atomic_load_n(&queue.migrations, __ATOMIC_RELAXED);
    sum.wake_interrupts += __atomic_load_n(&queue.wake_interrupts, __ATOMIC_RELAXED);
  }
  return sum;
}

}  // namespace plumbline::scheduler
