// From one thread to another on the running CPU. All of it with the run queue's lock, masked. The
// lock is held across the switch and released by the next thread, so that a thread cannot run
// elsewhere while its registers are being saved.
#pragma once

#include "arch/x86_64/application_switch.hh"
#include "arch/x86_64/context.hh"
#include "arch/x86_64/paging_programs.hh"
#include "sched/scheduler.hh"
#include "sched/spinlock/run_queue.hh"

namespace plumbline::scheduler {

// Threads that left this CPU, or ended on it, when it switched from them. Without the lock.
void see_off(RunQueue& queue);
// `thread` has been taken out of the queue, but its allowed CPUs have changed while it waited: it
// goes elsewhere. Returns the next that may run here, or null.
Thread* pop_another(RunQueue& queue, Thread* thread, unsigned here);
// At the end of a slice, while others wait: the running thread goes to an idle CPU, if there is one
// for it. Not at a wake-up: an interrupt to a halted CPU costs more than most waits, and two
// threads that wake each other in turn would be torn apart.
bool leave_for_idle_cpu(RunQueue& queue);
// Before a switch: something is not as usual in the CPU's counters.
void check_switch(RunQueue& queue, PerCpu& here);

// The first thing on the new thread's stack: the lock was taken by the thread before.
[[gnu::always_inline]] inline void finish_switch() {
  RunQueue& queue = local();
  if (queue.leaves_behind) [[unlikely]] {
    queue.leaves_behind = false;
    queue.lock.unlock_masked();
    see_off(queue);
    return;
  }
  queue.lock.unlock_masked();
}

// Who switches: a thread that is in no queue, since it blocks or ends; or one that may be in the
// queue, or the idle thread.
enum class Switcher { kLeaves, kAny };

// Runs the next thread, or the idle thread. Returns when the caller's thread runs again, with the
// lock released, still masked.
template <Switcher kSwitcher>
[[gnu::always_inline]] inline void switch_to_next(RunQueue& queue, PerCpu& here = this_cpu()) {
  constexpr bool kMayStay = kSwitcher == Switcher::kAny;
  if ((here.preempt_count | here.need_reschedule) != 0) [[unlikely]]
    check_switch(queue, here);
  Thread* previous = here.current;
  Thread* next = queue.pop();
  if (next != nullptr && !may_run_on(*next, here.index)) [[unlikely]] {
    next = pop_another(queue, next, here.index);
  }
  const std::uint64_t now = tsc_now();
  if (next == nullptr) {
    next = queue.idle;
    if (!kMayStay || previous != next) paging::begin_idling();
  } else if (!queue.waiting.empty()) {
    arm_slice(queue, now);
  }
  if constexpr (kMayStay) {
    if (next == previous) {
      finish_switch();
      return;
    }
    if (previous == queue.idle) {
      here.halted.store(0, std::memory_order_relaxed);
      paging::end_idling();
    }
  }
  ++queue.switches;
  previous->run_ticks += now - previous->switched_in;
  next->switched_in = now;
  here.current = next;
  here.stack_limit = next->stack.bottom;
  switch_application_state(here, previous->application, next->application, next->stack.top);
  switch_context(previous->stack_pointer, next->stack_pointer);
  finish_switch();
}

// The running thread goes to the end of the queue; the idle thread never queues.
[[gnu::always_inline]] inline void requeue_and_switch(RunQueue& queue) {
  PerCpu& here = this_cpu();
  Thread* running = here.current;
  if (running != queue.idle) {
    if (may_run_on(*running, here.index)) [[likely]] {
      queue.push(*running);
    } else {
      send_away(queue, *running, choose_cpu(*running));
    }
  }
  switch_to_next<Switcher::kAny>(queue, here);
}

}  // namespace plumbline::scheduler
