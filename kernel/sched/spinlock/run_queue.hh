// The run queue of a CPU: first come first served.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/intrusive_queue.hh"
#include "core/per_cpu.hh"
#include "core/units.hh"
#include "sched/thread_state.hh"
#include "sched/timer.hh"
#include "sync/spinlock.hh"

namespace plumbline::scheduler {
struct RunQueue;
}

// Rarely needed by who wakes a thread, so they keep all registers, and are called in a way that
// lets the compiler use that.
extern "C" {
// With the lock of the running CPU's queue: somebody waits, and no slice is armed.
[[gnu::no_caller_saved_registers]] void arm_first_slice(plumbline::scheduler::RunQueue* queue);
// With the lock of another CPU's queue: somebody was added to it.
[[gnu::no_caller_saved_registers]] void tell_other_cpu(plumbline::scheduler::RunQueue* queue,
                                                       unsigned index);
}

namespace plumbline::scheduler {

// Everything under the lock, unless it says otherwise; counters are read without it too, and may be
// a little out of date then.
struct alignas(kCacheLine) RunQueue {
  Spinlock lock;
  // The timer will ask the running thread to give way; it stays so when another thread runs by
  // then, for threads that wake each other in turn would set it at each wake-up.
  bool slice_armed = false;
  // `ended` or `leaving` has something for the next thread to do.
  bool leaves_behind = false;
  // The length of `waiting`.
  std::uint32_t length = 0;
  IntrusiveQueue<Thread, &Thread::run_hook> waiting;
  Thread* idle = nullptr;
  std::uint64_t switches = 0;
  // A thread that has ended; announced once its stack is no longer in use.
  Thread* ended = nullptr;
  // Threads that go to other CPUs (Thread::cpu says where), once their registers are saved. Only
  // this CPU uses it.
  IntrusiveQueue<Thread, &Thread::run_hook> leaving;
  // Threads that live here and may move: what choose_cpu balances. Without the lock.
  std::atomic<std::uint32_t> residents{0};
  std::uint64_t preemptions = 0, migrations = 0, wake_interrupts = 0;

  void push(Thread& thread) {
    waiting.push_back(&thread);
    ++length;
  }
  Thread* pop() {
    Thread* thread = waiting.pop_front();
    if (thread != nullptr) --length;
    return thread;
  }
  std::uint32_t length_unlocked() const { return __atomic_load_n(&length, __ATOMIC_RELAXED); }
};

// By the CPU's index: one load, where the CPU's block would take three and a check.
extern RunQueue* queues[kMaxCpus];
// A slice in TSC ticks.
extern std::uint64_t slice_ticks;

inline RunQueue& queue_of(unsigned index) { return *queues[index]; }
inline RunQueue& queue_of(const PerCpu& cpu) { return *static_cast<RunQueue*>(cpu.scheduler); }
// The running CPU's; masked.
inline RunQueue& local() { return queue_of(this_cpu()); }

inline bool may_run_on(const Thread& thread, unsigned index) {
  return (thread.allowed_cpus >> index & 1) != 0;
}

// On this CPU, with the lock: somebody waits, so the running thread's time is limited.
inline void arm_slice(RunQueue& queue, std::uint64_t now) {
  queue.slice_armed = true;
  timers::start_slice(now + slice_ticks);
}

// Somebody was added to the queue of this CPU, `here`.
inline void attend(RunQueue& queue, PerCpu& here) {
  if (here.current == queue.idle) {
    here.need_reschedule = 1;
  } else if (!queue.slice_armed) {
    asm volatile("call arm_first_slice" : : "D"(&queue) : "memory", "cc");
  }
}

// With the lock of `queue`, which is that of the thread's CPU.
[[gnu::always_inline]] inline void add(RunQueue& queue, Thread& thread) {
  queue.push(thread);
  PerCpu& here = this_cpu();
  if (&queue == &queue_of(here)) [[likely]] {
    attend(queue, here);
  } else {
    asm volatile("call tell_other_cpu" : : "D"(&queue), "S"(thread.cpu) : "memory", "cc");
  }
}

// With the lock of the thread's CPU: it will be sent to `index` when this CPU has switched from it.
void send_away(RunQueue& queue, Thread& thread, unsigned index);

}  // namespace plumbline::scheduler
