// On which CPU a thread runs. Threads stay on the CPU they started on; those that may move do so at
// the end of a slice, when another CPU is idle.
#include "arch/x86_64/interrupts.hh"
#include "arch/x86_64/vectors.hh"
#include "core/assert.hh"
#include "sched/exits.hh"
#include "sched/spinlock/switch.hh"
#include "sync/lock_guard.hh"

namespace plumbline::scheduler {
namespace {

bool is_idle(unsigned index) {
  const RunQueue& queue = queue_of(index);
  return cpu(index).current == queue.idle && queue.length_unlocked() == 0;
}

// Puts a thread into the queue of its CPU.
void hand_over(Thread& thread) {
  RunQueue& target = queue_of(thread.cpu);
  const LockGuard guard(target.lock);
  add(target, thread);
}

}  // namespace

void send_away(RunQueue& queue, Thread& thread, unsigned index) {
  if (thread.moves) {
    queue.residents.fetch_sub(1, std::memory_order_relaxed);
    queue_of(index).residents.fetch_add(1, std::memory_order_relaxed);
  }
  ++queue.migrations;
  thread.cpu = index;
  queue.leaving.push_back(&thread);
  queue.leaves_behind = true;
}

void see_off(RunQueue& queue) {
  Thread* const ended = queue.ended;
  queue.ended = nullptr;
  while (Thread* thread = queue.leaving.pop_front()) hand_over(*thread);
  if (ended != nullptr) announce_exit(*ended);
}

Thread* pop_another(RunQueue& queue, Thread* thread, unsigned here) {
  while (thread != nullptr && !may_run_on(*thread, here)) {
    send_away(queue, *thread, choose_cpu(*thread));
    thread = queue.pop();
  }
  return thread;
}

bool leave_for_idle_cpu(RunQueue& queue) {
  PerCpu& here = this_cpu();
  Thread* running = here.current;
  if (!running->moves || queue.waiting.empty()) return false;
  if (tsc_now() - running->switched_in < slice_ticks / 2) return false;
  for (unsigned i = 0; i < cpu_count(); ++i) {
    if (i == here.index || !may_run_on(*running, i) || !is_idle(i)) continue;
    send_away(queue, *running, i);
    return true;
  }
  return false;
}

void start(Thread& thread, unsigned index) {
  thread.cpu = index;
  if (thread.moves) queue_of(index).residents.fetch_add(1, std::memory_order_relaxed);
  hand_over(thread);
}

unsigned choose_cpu(const Thread& thread) {
  if (cpu_count() == 1) {
    ASSERT_MSG(may_run_on(thread, 0), "a thread may run on no CPU");
    return 0;
  }
  unsigned best = 0;
  std::uint64_t least = ~std::uint64_t{0};
  for (unsigned i = 0; i < cpu_count(); ++i) {
    if (!may_run_on(thread, i)) continue;
    const RunQueue& queue = queue_of(i);
    std::uint64_t load = queue.length_unlocked() + (cpu(i).current != queue.idle ? 1U : 0U);
    // A program starts its workers one after the other, and each sleeps at once: by what runs now
    // they would all land on one CPU.
    if (thread.moves) load += std::uint64_t{queue.residents.load(std::memory_order_relaxed)} << 32;
    if (load < least) {
      least = load;
      best = i;
    }
  }
  ASSERT_MSG(least != ~std::uint64_t{0}, "a thread may run on no CPU");
  return best;
}

void set_allowed_cpus(Thread& thread, std::uint64_t allowed) {
  for (;;) {
    const unsigned index = __atomic_load_n(&thread.cpu, __ATOMIC_RELAXED);
    const InterruptGuard masked;
    RunQueue& queue = queue_of(index);
    queue.lock.lock_masked();
    if (thread.cpu != index) {
      queue.lock.unlock_masked();
      continue;
    }
    thread.allowed_cpus = allowed;
    if (may_run_on(thread, index) || cpu(index).current != &thread) {
      // One that waits for the CPU, or sleeps, is sent on when its turn comes.
      queue.lock.unlock_masked();
    } else if (&thread == current()) {
      requeue_and_switch(queue);
    } else {
      queue.lock.unlock_masked();
      send_interrupt(index, kRescheduleVector);
    }
    return;
  }
}

}  // namespace plumbline::scheduler
