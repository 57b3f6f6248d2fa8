// What entry.S provides to the scheduler.
#pragma once

#include <cstdint>

extern "C" {
// Saves the running thread's state and stack pointer (to *save) and continues the one saved at
// `load`.
void switch_context(std::uint64_t* save, std::uint64_t load);
// The first return address of a new thread; calls thread_main.
void thread_start();
// Provided by the scheduler: what a new thread does.
[[noreturn]] void thread_main();
// Provided by the scheduler: switches threads at the end of an interrupt that asked for it. Called
// masked.
void preempt_current_thread();
// Called masked; unmasks and halts until an interrupt has been handled. Loses no wake-up.
void idle_wait();
}

namespace plumbline {

// Lays out a stack that ends at `top` (16-byte aligned) so that switch_context starts thread_main
// on it.
inline std::uint64_t prepare_context(std::uint64_t top) {
  auto* words = reinterpret_cast<std::uint64_t*>(top);
  *--words = 0;  // alignment: thread_start is entered as if by a call
  *--words = reinterpret_cast<std::uint64_t>(&thread_start);
  for (int i = 0; i < 6; ++i) *--words = 0;
  return reinterpret_cast<std::uint64_t>(words);
}

}  // namespace plumbline
