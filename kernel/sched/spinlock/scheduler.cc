// Run queues under spinlocks: one queue per CPU, first come first served, a time slice while
// somebody waits. Who wakes a thread takes the lock of the thread's CPU.
#include "sched/scheduler.hh"

#include <atomic>
#include <new>

#include "arch/x86_64/interrupts.hh"
#include "arch/x86_64/vectors.hh"
#include "core/boot_options.hh"
#include "core/panic.hh"
#include "memory/heap.hh"
#include "sched/spinlock/switch.hh"
#include "sync/lock_guard.hh"

namespace plumbline::scheduler {

RunQueue* queues[kMaxCpus];
std::uint64_t slice_ticks;

namespace {

BOOT_OPTION(std::uint64_t, slice, "sched.slice", 4000, 100, 1'000'000,
            "microseconds a thread may run while others wait for its CPU");

void handle_reschedule(void*) {
  PerCpu& here = this_cpu();
  RunQueue& queue = queue_of(here);
  const LockGuard guard(queue.lock);
  queue.slice_armed = false;
  if (here.current != queue.idle && !may_run_on(*here.current, here.index)) {
    here.need_reschedule = 1;
  }
  if (queue.length != 0) attend(queue, here);
}

void handle_timer(void*) { timers::handle_interrupt(); }

// Until it is woken. What nearly all blocking is, so without a look at timers.
[[gnu::always_inline]] inline void block_for_ever(Thread& thread) {
  const InterruptGuard masked;
  RunQueue& queue = local();
  queue.lock.lock_masked();
  ThreadState expected = ThreadState::kBlocking;
  if (thread.state.compare_exchange_strong(expected, ThreadState::kBlocked,
                                           std::memory_order_seq_cst)) {
    switch_to_next<Switcher::kLeaves>(queue);
  } else {
    queue.lock.unlock_masked();
  }
}

[[gnu::noinline]] bool block_until(Thread& thread, Deadline deadline) {
  thread.timed_out.store(false, std::memory_order_relaxed);
  thread.sleep_timer.start(
      deadline,
      [](void* argument) {
        auto* sleeper = static_cast<Thread*>(argument);
        sleeper->timed_out.store(true, std::memory_order_relaxed);
        wake(*sleeper);
      },
      &thread);
  block_for_ever(thread);
  thread.sleep_timer.cancel();
  return !thread.timed_out.load(std::memory_order_relaxed);
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
  set_application_state(here, idle.application, idle.stack.top);
  timers::initialise_cpu();
  set_fixed_vector(kTimerVector, handle_timer, nullptr);
  set_fixed_vector(kRescheduleVector, handle_reschedule, nullptr);
}

extern "C" [[gnu::no_caller_saved_registers]] void arm_first_slice(RunQueue* queue) {
  arm_slice(*queue, tsc_now());
}

extern "C" [[gnu::no_caller_saved_registers]] void tell_other_cpu(RunQueue* queue, unsigned index) {
  // Either the idle loop sees the queue's new length, or `halted` is seen here.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  PerCpu& target = cpu(index);
  // A CPU that is awake and idle looks at its queue before it halts; one that runs a thread needs
  // to be told once, to start the slice.
  const bool halted = target.halted.load(std::memory_order_seq_cst) != 0;
  if (halted || (target.current != queue->idle && !queue->slice_armed)) {
    ++queue->wake_interrupts;
    // Until the slice's end nobody else needs to tell it. A halted CPU resets this when it
    // switches.
    queue->slice_armed = true;
    send_interrupt(index, kRescheduleVector);
  }
}

void check_switch(RunQueue& queue, PerCpu& here) {
  if (here.preempt_count != 0) {
    panic("thread %s blocks with preemption disabled", here.current->name);
  }
  here.need_reschedule = 0;
  queue.slice_armed = false;
}

void attract(Thread& thread) {
  const InterruptGuard masked;
  if (wake_masked(thread)) return;
  const unsigned index = __atomic_load_n(&thread.cpu, __ATOMIC_RELAXED);
  PerCpu& target = cpu(index);
  // One that is switched out or on its way to another CPU looks before it runs its program again.
  if (&target != &this_cpu() && __atomic_load_n(&target.current, __ATOMIC_RELAXED) == &thread)
    send_interrupt(index, kRescheduleVector);
}

bool wake_masked(Thread& thread) {
  for (;;) {
    ThreadState state = thread.state.load(std::memory_order_seq_cst);
    if (state != ThreadState::kBlocked) [[unlikely]] {
      if (state != ThreadState::kBlocking) return false;
      // Still running: it will see this instead of blocking.
      if (thread.state.compare_exchange_strong(state, ThreadState::kRunning,
                                               std::memory_order_seq_cst)) {
        return true;
      }
      continue;
    }
    // The thread's CPU holds the lock until it has left the thread's stack.
    const unsigned index = __atomic_load_n(&thread.cpu, __ATOMIC_RELAXED);
    RunQueue& queue = queue_of(index);
    queue.lock.lock_masked();
    // Meanwhile it may have been woken, moved, and blocked again. Only who holds the lock of its
    // CPU changes the state of a blocked thread.
    const bool blocked = thread.cpu == index &&
                         thread.state.load(std::memory_order_relaxed) == ThreadState::kBlocked;
    if (blocked) [[likely]] {
      thread.state.store(ThreadState::kRunning, std::memory_order_relaxed);
      add(queue, thread);
    }
    queue.lock.unlock_masked();
    if (blocked) [[likely]]
      return true;
  }
}

bool wake(Thread& thread) {
  const InterruptGuard masked;
  return wake_masked(thread);
}

void prepare_to_block() {
  current()->state.store(ThreadState::kBlocking, std::memory_order_seq_cst);
}

void cancel_block() { current()->state.store(ThreadState::kRunning, std::memory_order_relaxed); }

bool block(Deadline deadline) {
  Thread& thread = *current();
  if (!deadline.is_never()) return block_until(thread, deadline);
  block_for_ever(thread);
  return true;
}

bool block_and_release(Spinlock& list, std::uint32_t unless_work) {
  PerCpu& here = this_cpu();
  RunQueue& queue = queue_of(here);
  Thread& thread = *here.current;
  queue.lock.lock_masked();
  // Sequentially consistent, and the other way round in request_attention: either the work is seen
  // here, or the blocked thread there, which is then woken when this CPU has left it.
  thread.state.store(ThreadState::kBlocked, std::memory_order_seq_cst);
  if ((thread.application.work.load(std::memory_order_seq_cst) & unless_work) != 0) [[unlikely]] {
    thread.state.store(ThreadState::kRunning, std::memory_order_relaxed);
    queue.lock.unlock_masked();
    return false;
  }
  list.unlock_masked();
  switch_to_next<Switcher::kLeaves>(queue, here);
  unmask_interrupts();
  return true;
}

void yield() {
  const InterruptGuard masked;
  RunQueue& queue = local();
  queue.lock.lock_masked();
  requeue_and_switch(queue);
}

void exit_current() {
  mask_interrupts();
  PerCpu& here = this_cpu();
  RunQueue& queue = queue_of(here);
  queue.lock.lock_masked();
  Thread* thread = here.current;
  thread->state.store(ThreadState::kDead, std::memory_order_relaxed);
  queue.ended = thread;
  queue.leaves_behind = true;
  if (thread->moves) queue.residents.fetch_sub(1, std::memory_order_relaxed);
  switch_to_next<Switcher::kLeaves>(queue);
  panic("thread %s runs after its end", thread->name);
}

extern "C" {

void preempt_current_thread() {
  RunQueue& queue = local();
  queue.lock.lock_masked();
  ++queue.preemptions;
  if (leave_for_idle_cpu(queue)) {
    switch_to_next<Switcher::kAny>(queue);
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

}  // namespace plumbline::scheduler
