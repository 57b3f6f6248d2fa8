// Run queues under spinlocks: one queue per CPU, first come first served, a time slice while
// somebody waits. Who wakes a thread takes the lock of the thread's CPU. Threads stay on the CPU
// they started on; those that may move do so at the end of a slice, when another CPU is idle.
#include "sched/scheduler.hh"

#include <atomic>
#include <new>

#include "arch/x86_64/application.hh"
#include "arch/x86_64/context.hh"
#include "arch/x86_64/interrupts.hh"
#include "arch/x86_64/paging_programs.hh"
#include "arch/x86_64/vectors.hh"
#include "core/boot_options.hh"
#include "core/idle.hh"
#include "core/log_ring.hh"
#include "core/panic.hh"
#include "memory/heap.hh"
#include "sched/exits.hh"
#include "sched/thread_state.hh"
#include "sync/lock_guard.hh"
#include "sync/spinlock.hh"

namespace plumbline::scheduler {
namespace {

BOOT_OPTION(std::uint64_t, slice, "sched.slice", 4000, 100, 1'000'000,
            "microseconds a thread may run while others wait for its CPU");

struct alignas(kCacheLine) RunQueue {
  Spinlock lock;
  IntrusiveList<Thread, &Thread::run_hook> waiting;
  // The length of `waiting`; read without the lock by the idle loop and by choose_cpu.
  std::atomic<std::uint32_t> length{0};
  Thread* idle = nullptr;
  // A thread that has ended; announced once its stack is no longer in use.
  Thread* ended = nullptr;
  // Threads that go to other CPUs (Thread::cpu says where), once their registers are saved. Only
  // this CPU uses the list.
  IntrusiveList<Thread, &Thread::run_hook> leaving;
  // Threads that live here and may move: what choose_cpu balances.
  std::atomic<std::uint32_t> residents{0};
  // The timer will ask the running thread to give way; it stays so when another thread runs by
  // then, for threads that wake each other in turn would set it at each wake-up.
  bool slice_armed = false;
  std::uint64_t switches = 0, preemptions = 0, migrations = 0, wake_interrupts = 0;
};

// By the CPU's index: one load, where the CPU's block would take three and a check.
RunQueue* queues[kMaxCpus];
// A slice in TSC ticks.
std::uint64_t slice_ticks;

RunQueue& queue_of(unsigned index) { return *queues[index]; }
RunQueue& local() { return *static_cast<RunQueue*>(this_cpu().scheduler); }

void push(RunQueue& queue, Thread& thread) {
  queue.waiting.push_back(&thread);
  // Sequentially consistent, with `halted`: either the idle loop sees the length or the waker sees
  // `halted`.
  queue.length.fetch_add(1, std::memory_order_seq_cst);
}

[[gnu::always_inline]] inline Thread* pop(RunQueue& queue) {
  Thread* thread = queue.waiting.pop_front();
  if (thread != nullptr) queue.length.fetch_sub(1, std::memory_order_relaxed);
  return thread;
}

// On this CPU, with the lock: somebody waits, so the running thread's time is limited.
void arm_slice(RunQueue& queue) {
  queue.slice_armed = true;
  timers::start_slice(tsc_now() + slice_ticks);
}

bool may_run_on(const Thread& thread, unsigned index) {
  return (thread.allowed_cpus >> index & 1) != 0;
}

bool is_idle(unsigned index) {
  const RunQueue& queue = queue_of(index);
  return cpu(index).current == queue.idle && queue.length.load(std::memory_order_relaxed) == 0;
}

// With the lock of the thread's CPU: it will be sent to `index` by finish_switch.
void send_away(RunQueue& queue, Thread& thread, unsigned index) {
  if (thread.moves) {
    queue.residents.fetch_sub(1, std::memory_order_relaxed);
    queue_of(index).residents.fetch_add(1, std::memory_order_relaxed);
  }
  ++queue.migrations;
  thread.cpu = index;
  queue.leaving.push_back(&thread);
}

// Puts a thread into the queue of its CPU.
void hand_over(Thread& thread);

// Threads that left this CPU, or ended on it, when it switched from them. Without the lock.
[[gnu::noinline]] void see_off(RunQueue& queue, Thread* ended) {
  while (Thread* thread = queue.leaving.pop_front()) hand_over(*thread);
  if (ended != nullptr) announce_exit(*ended);
}

// The first thing on the new thread's stack: the lock was taken by the thread before.
[[gnu::always_inline]] inline void finish_switch() {
  RunQueue& queue = local();
  Thread* ended = queue.ended;
  queue.ended = nullptr;
  queue.lock.unlock_masked();
  // Rarely anything is left to do, and every switch comes here.
  if (ended != nullptr || !queue.leaving.empty()) see_off(queue, ended);
}

// `thread`'s allowed CPUs have changed while it waited: it goes elsewhere. The next that may run
// here.
[[gnu::noinline]] Thread* pop_another(RunQueue& queue, Thread* thread, unsigned here) {
  while (thread != nullptr && !may_run_on(*thread, here)) {
    send_away(queue, *thread, choose_cpu(*thread));
    thread = pop(queue);
  }
  return thread;
}

// With the lock, masked: runs the next thread, or the idle thread. Returns when the caller's thread
// runs again, with the lock released, still masked.
[[gnu::always_inline]] inline void switch_to_next(RunQueue& queue) {
  PerCpu& here = this_cpu();
  if (here.preempt_count != 0) {
    panic("thread %s blocks with preemption disabled", here.current->name);
  }
  if (here.need_reschedule != 0) {
    here.need_reschedule = 0;
    queue.slice_armed = false;
  }
  Thread* previous = here.current;
  Thread* next = pop(queue);
  if (next != nullptr && !may_run_on(*next, here.index)) [[unlikely]] {
    next = pop_another(queue, next, here.index);
  }
  if (next == nullptr) {
    next = queue.idle;
  } else if (queue.length.load(std::memory_order_relaxed) != 0) {
    arm_slice(queue);
  }
  if (next == previous) {
    finish_switch();
    return;
  }
  here.halted.store(0, std::memory_order_relaxed);
  if (previous == queue.idle) paging::end_idling();
  if (next == queue.idle) paging::begin_idling();
  ++queue.switches;
  const std::uint64_t now = tsc_now();
  previous->run_ticks += now - previous->switched_in;
  next->switched_in = now;
  here.current = next;
  here.stack_limit = next->stack.bottom;
  switch_application_state(previous->application, next->application, next->stack.top);
  switch_context(&previous->stack_pointer, next->stack_pointer);
  finish_switch();
}

// The running thread goes to the end of the queue; the idle thread never queues.
[[gnu::always_inline]] inline void requeue_and_switch(RunQueue& queue) {
  PerCpu& here = this_cpu();
  Thread* running = here.current;
  if (running != queue.idle) {
    if (may_run_on(*running, here.index)) {
      push(queue, *running);
    } else {
      send_away(queue, *running, choose_cpu(*running));
    }
  }
  switch_to_next(queue);
}

// With the lock: the running thread has used its slice and others wait. It goes to an idle CPU, if
// there is one for it. Not at a wake-up: an interrupt to a halted CPU costs more than most waits,
// and two threads that wake each other in turn would be torn apart.
bool leave_for_idle_cpu(RunQueue& queue) {
  PerCpu& here = this_cpu();
  Thread* running = here.current;
  if (!running->moves || queue.length.load(std::memory_order_relaxed) == 0) return false;
  if (tsc_now() - running->switched_in < slice_ticks / 2) return false;
  for (unsigned i = 0; i < cpu_count(); ++i) {
    if (i == here.index || !may_run_on(*running, i) || !is_idle(i)) continue;
    send_away(queue, *running, i);
    return true;
  }
  return false;
}

// Somebody was added to this CPU's queue.
void attend(RunQueue& queue) {
  PerCpu& here = this_cpu();
  if (here.current == queue.idle) {
    here.need_reschedule = 1;
  } else if (!queue.slice_armed) {
    arm_slice(queue);
  }
}

// Somebody was added to another CPU's.
[[gnu::noinline]] void tell(RunQueue& queue, const Thread& thread) {
  PerCpu& target = cpu(thread.cpu);
  // A CPU that is awake and idle looks at its queue before it halts; one that runs a thread needs
  // to be told once, to start the slice.
  const bool halted = target.halted.load(std::memory_order_seq_cst) != 0;
  if (halted || (target.current != queue.idle && !queue.slice_armed)) {
    ++queue.wake_interrupts;
    // Until the slice's end nobody else needs to tell it. A halted CPU resets this when it
    // switches.
    queue.slice_armed = true;
    send_interrupt(thread.cpu, kRescheduleVector);
  }
}

[[gnu::always_inline]] inline void add(RunQueue& queue, Thread& thread) {
  push(queue, thread);
  if (&queue == &local()) {
    attend(queue);
  } else {
    tell(queue, thread);
  }
}

void hand_over(Thread& thread) {
  RunQueue& target = queue_of(thread.cpu);
  const LockGuard guard(target.lock);
  add(target, thread);
}

void handle_reschedule(void*) {
  RunQueue& queue = local();
  const LockGuard guard(queue.lock);
  queue.slice_armed = false;
  PerCpu& here = this_cpu();
  if (here.current != queue.idle && !may_run_on(*here.current, here.index)) {
    here.need_reschedule = 1;
  }
  if (queue.length.load(std::memory_order_relaxed) != 0) attend(queue);
}

void handle_timer(void*) { timers::handle_interrupt(); }

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

// Until it is woken. What nearly all blocking is, so without a look at timers.
[[gnu::always_inline]] inline void block_for_ever(Thread& thread) {
  const InterruptGuard masked;
  RunQueue& queue = local();
  queue.lock.lock_masked();
  ThreadState expected = ThreadState::kBlocking;
  if (thread.state.compare_exchange_strong(expected, ThreadState::kBlocked,
                                           std::memory_order_seq_cst)) {
    switch_to_next(queue);
  } else {
    queue.lock.unlock_masked();
  }
}

void wake_sleeper(void* argument) {
  auto* thread = static_cast<Thread*>(argument);
  thread->timed_out.store(true, std::memory_order_relaxed);
  wake(*thread);
}

}  // namespace

void initialise_cpu(Thread& idle) {
  PerCpu& here = this_cpu();
  void* memory = heap_allocate(sizeof(RunQueue), kCacheLine);
  if (memory == nullptr) panic("no memory for the run queue of cpu %u", here.index);
  auto* queue = new (memory) RunQueue;
  queue->idle = &idle;
  idle.cpu = here.index;
  idle.switched_in = tsc_now();
  here.scheduler = queue;
  queues[here.index] = queue;
  slice_ticks = nanoseconds_to_tsc(microseconds(slice.get()));
  here.current = &idle;
  here.stack_limit = idle.stack.bottom;
  set_application_state(idle.application, idle.stack.top);
  timers::initialise_cpu();
  set_fixed_vector(kTimerVector, handle_timer, nullptr);
  set_fixed_vector(kRescheduleVector, handle_reschedule, nullptr);
}

void start(Thread& thread, unsigned index) {
  thread.cpu = index;
  if (thread.moves) queue_of(index).residents.fetch_add(1, std::memory_order_relaxed);
  hand_over(thread);
}

unsigned choose_cpu(const Thread& thread) {
  unsigned best = 0;
  std::uint64_t least = ~std::uint64_t{0};
  for (unsigned i = 0; i < cpu_count(); ++i) {
    if (!may_run_on(thread, i)) continue;
    const RunQueue& queue = queue_of(i);
    std::uint64_t load =
        queue.length.load(std::memory_order_relaxed) + (cpu(i).current != queue.idle ? 1 : 0);
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

void attract(Thread& thread) {
  if (wake(thread)) return;
  const InterruptGuard masked;
  const unsigned index = __atomic_load_n(&thread.cpu, __ATOMIC_RELAXED);
  PerCpu& target = cpu(index);
  // One that is switched out or on its way to another CPU looks before it runs its program again.
  if (&target != &this_cpu() && __atomic_load_n(&target.current, __ATOMIC_RELAXED) == &thread)
    send_interrupt(index, kRescheduleVector);
}

bool wake(Thread& thread) {
  ThreadState state = thread.state.load(std::memory_order_seq_cst);
  for (;;) {
    if (state == ThreadState::kBlocking) {
      // Still running: it will see this instead of blocking.
      if (thread.state.compare_exchange_strong(state, ThreadState::kRunning,
                                               std::memory_order_seq_cst)) {
        return true;
      }
    } else if (state == ThreadState::kBlocked) {
      // The thread's CPU holds the lock until it has left the thread's stack.
      const unsigned index = __atomic_load_n(&thread.cpu, __ATOMIC_RELAXED);
      RunQueue& queue = queue_of(index);
      const LockGuard guard(queue.lock);
      // Meanwhile it may have been woken, moved, and blocked again.
      if (thread.cpu != index) continue;
      if (thread.state.compare_exchange_strong(state, ThreadState::kRunning,
                                               std::memory_order_seq_cst)) {
        add(queue, thread);
        return true;
      }
    } else {
      return false;
    }
  }
}

void prepare_to_block() {
  current()->state.store(ThreadState::kBlocking, std::memory_order_seq_cst);
}

void cancel_block() { current()->state.store(ThreadState::kRunning, std::memory_order_relaxed); }

bool block(Deadline deadline) {
  Thread& thread = *current();
  if (deadline.is_never()) {
    block_for_ever(thread);
    return true;
  }
  thread.timed_out.store(false, std::memory_order_relaxed);
  thread.sleep_timer.start(deadline, wake_sleeper, &thread);
  block_for_ever(thread);
  thread.sleep_timer.cancel();
  return !thread.timed_out.load(std::memory_order_relaxed);
}

void yield() {
  const InterruptGuard masked;
  RunQueue& queue = local();
  queue.lock.lock_masked();
  requeue_and_switch(queue);
}

// Only asked by those who wait: counted as waiting.
IDLE_TEXT bool others_runnable() { return local().length.load(std::memory_order_relaxed) != 0; }

void exit_current() {
  mask_interrupts();
  RunQueue& queue = local();
  queue.lock.lock_masked();
  Thread* thread = this_cpu().current;
  thread->state.store(ThreadState::kDead, std::memory_order_relaxed);
  queue.ended = thread;
  if (thread->moves) queue.residents.fetch_sub(1, std::memory_order_relaxed);
  switch_to_next(queue);
  panic("thread %s runs after its end", thread->name);
}

IDLE_TEXT void idle_loop() {
  PerCpu& here = this_cpu();
  RunQueue& queue = local();
  mask_interrupts();
  for (;;) {
    here.need_reschedule = 0;
    queue.slice_armed = false;
    // Before the length is read, and the other way round in `add`.
    here.halted.store(1, std::memory_order_seq_cst);
    if (queue.length.load(std::memory_order_seq_cst) == 0) {
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
    if (queue.length.load(std::memory_order_relaxed) != 0) {
      queue.lock.lock_masked();
      switch_to_next(queue);
    }
  }
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

extern "C" {

void preempt_current_thread() {
  RunQueue& queue = local();
  queue.lock.lock_masked();
  ++queue.preemptions;
  if (leave_for_idle_cpu(queue)) {
    switch_to_next(queue);
  } else {
    requeue_and_switch(queue);
  }
}

void thread_main() {
  finish_switch();
  unmask_interrupts();
  Thread* thread = this_cpu().current;
  thread->function(thread->argument);
  exit_current();
}

}  // extern "C"

std::uint64_t idle_ticks(unsigned index) {
  const Thread& idle = *queue_of(index).idle;
  const std::uint64_t ticks = idle.run_ticks;
  if (cpu(index).current != &idle) return ticks;
  const std::uint64_t now = tsc_now();
  return now > idle.switched_in ? ticks + (now - idle.switched_in) : ticks;
}

}  // namespace plumbline::scheduler
