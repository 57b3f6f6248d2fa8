// Kernel threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/clock.hh"

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
};

// Starts a thread. Null when there is no memory for it. Its Thread lives until join.
Thread* spawn(const ThreadOptions& options, void (*function)(void*), void* argument);

// Waits until `thread` has returned, and frees it. Each spawned thread is joined at most once.
void join(Thread* thread);

// Lets the other runnable threads of this CPU go first.
void yield();

// Sleeps until the deadline; Deadline::never() sleeps for ever.
void sleep_until(Deadline deadline);
inline void sleep_for(Nanoseconds span) { sleep_until(Deadline::after(span)); }

// The running thread.
Thread* current();
const char* thread_name(const Thread* thread);

}  // namespace plumbline
