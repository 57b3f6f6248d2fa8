// What every scheduler provides; PLUMBLINE_SCHED names the folder of sched/ whose code does it. The
// calls are bound at link time: no indirection. Besides these a scheduler defines
// preempt_current_thread and thread_main (arch/x86_64/context.hh).
#pragma once

#include <cstdint>

#include "core/clock.hh"

namespace plumbline {

class Spinlock;
class Thread;

namespace scheduler {

// Sets up the run queue of the CPU with this index, whose running code becomes `idle`. Called on
// that CPU, masked.
void initialise_cpu(Thread& idle);

// Makes `thread`, which is new, runnable on `cpu`.
void start(Thread& thread, unsigned cpu);

// The CPU, of those that it may use, on which a thread starts.
unsigned choose_cpu(const Thread& thread);

// Changes the CPUs that a thread may use: a bit each, one of which exists. The running thread has
// moved when this returns; another moves when it next gets or gives up its CPU, at once if it runs.
void set_allowed_cpus(Thread& thread, std::uint64_t allowed);

// Makes a thread runnable that is blocked, or about to block; otherwise does nothing. True when it
// did. Callable in interrupt handlers.
bool wake(Thread& thread);
// The same for callers that have masked interrupts already: who holds a spinlock.
bool wake_masked(Thread& thread);

// Makes a thread notice something new (its work flags): wakes it if it sleeps, interrupts its CPU
// if it runs on another one. Callable in interrupt handlers.
void attract(Thread& thread);

// The running thread announces that it will block: from now on a wake is remembered. A full fence.
void prepare_to_block();
// The running thread stays runnable after all.
void cancel_block();
// Blocks unless woken since prepare_to_block. Returns when woken (true) or at the deadline (false).
bool block(Deadline deadline);

// Blocking in one step, for a thread that its wakers find in a list: with the list's spinlock held
// (lock_unmasked) it is in the list, and its condition has been looked at. Releases the lock,
// blocks until woken, for whatever reason, and returns true with interrupts enabled. False, and the
// lock still held, when the thread has some of the work `unless_work` (application.hh) to do; what
// is requested later wakes it.
bool block_and_release(Spinlock& list, std::uint32_t unless_work);

// Lets others run; the running thread goes to the end of its queue.
void yield();

// True when another thread waits for this CPU. One load: for loops that poll while there is nothing
// better to do.
bool others_runnable();

// Ends the running thread.
[[noreturn]] void exit_current();

// What the idle thread of a CPU does, for ever.
[[noreturn]] void idle_loop();

// Totals of all CPUs, for tests and statistics.
struct Statistics {
  std::uint64_t switches;         // from one thread to another
  std::uint64_t preemptions;      // of these, not asked for by the thread
  std::uint64_t migrations;       // of threads to another CPU
  std::uint64_t wake_interrupts;  // sent to make another CPU look at its queue
};
Statistics statistics();
// How long a CPU has run its idle thread, in TSC ticks. A snapshot.
std::uint64_t idle_ticks(unsigned cpu);

}  // namespace scheduler
}  // namespace plumbline
