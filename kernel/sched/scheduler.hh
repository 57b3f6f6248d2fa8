// What every scheduler provides; PLUMBLINE_SCHED names the folder of sched/ whose code does it. The
// calls are bound at link time: no indirection.
#pragma once

#include "core/clock.hh"
#include "sched/thread_state.hh"

namespace plumbline::scheduler {

// Sets up the run queue of the CPU with this index, whose running code becomes `idle`. Called on
// that CPU, masked.
void initialise_cpu(unsigned cpu, Thread& idle);

// Makes `thread`, which is new, runnable on `cpu`.
void start(Thread& thread, unsigned cpu);

// The CPU on which a thread without a wish starts.
unsigned choose_cpu();

// Makes a thread runnable that is blocked, or about to block; otherwise does nothing. True when it
// did. Callable in interrupt handlers.
bool wake(Thread& thread);

// The running thread announces that it will block: from now on a wake is remembered. A full fence.
void prepare_to_block();
// The running thread stays runnable after all.
void cancel_block();
// Blocks unless woken since prepare_to_block. Returns when woken, or at the deadline.
void block(Deadline deadline);

// Lets others run; the running thread goes to the end of its queue.
void yield();

// Ends the running thread.
[[noreturn]] void exit_current();

// At the end of an interrupt that asked for a switch: called masked, with preemption allowed.
void preempt();

// What the idle thread of this CPU does, for ever.
[[noreturn]] void idle_loop();

// Adds up for tests and statistics.
struct Statistics {
  std::uint64_t switches, preemptions, remote_wakes, wake_interrupts;
};
Statistics statistics();

}  // namespace plumbline::scheduler
