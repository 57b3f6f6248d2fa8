// Kernel threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/clock.hh"
#include "core/per_cpu.hh"

namespace plumbline {

class Thread;

inline constexpr int kAnyCpu = -1;
inline constexpr std::size_t kDefaultStackSize = 16 * 1024;

struct ThreadOptions {
  // Kept by reference: a literal, or storage that outlives the thread.
  const char* name = "thread";
  // The CPU to stay on, or kAnyCpu: the one with the shortest run queue at the start.
  int cpu = kAnyCpu;
  std::size_t stack_size = kDefaultStackSize;
  // Not kAnyCpu's choice for good: the thread may run on all CPUs of `allowed_cpus` and move
  // between them, when others wait for its CPU while one of these is idle.
  bool moves = false;
  std::uint64_t allowed_cpus = ~std::uint64_t{0};
  // Called masked, once the thread has left its stack for ever, in place of a join; frees it with
  // free_thread.
  void (*ended)(Thread*) = nullptr;
};

// Starts a thread. Null when there is no memory for it. Its Thread lives until join.
Thread* spawn(const ThreadOptions& options, void (*function)(void*), void* argument);

// Spawn in two steps, for who has something to add to the thread before it runs. A thread that was
// not started is freed with free_thread.
Thread* create_thread(const ThreadOptions& options, void (*function)(void*), void* argument);
void start_thread(Thread& thread);
void free_thread(Thread* thread);

// Waits until `thread` has returned, and frees it. Each spawned thread is joined at most once.
void join(Thread* thread);

// Lets the other runnable threads of this CPU go first.
void yield();

// Sleeps until the deadline; Deadline::never() sleeps for ever.
void sleep_until(Deadline deadline);
inline void sleep_for(Nanoseconds span) { sleep_until(Deadline::after(span)); }

// current(), the running thread, is in core/per_cpu.hh.
const char* thread_name(const Thread* thread);

}  // namespace plumbline
