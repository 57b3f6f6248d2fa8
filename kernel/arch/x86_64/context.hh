// What entry.S provides to the scheduler.
#pragma once

#include <cstdint>

extern "C" {
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

// Saves the running thread's stack pointer to `save` and continues the thread whose was saved as
// `load`. In line: the function that calls this saves the registers that calls preserve once, not
// twice.
[[gnu::always_inline]] inline void switch_context(std::uint64_t& save, std::uint64_t load) {
  std::uint64_t* to = &save;
  asm volatile("call switch_stacks"
               : "+D"(to), "+S"(load)
               :
               : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                 "cc", "memory");
}

// Lays out a stack that ends at `top` (16-byte aligned) so that switch_context starts thread_main
// on it.
inline std::uint64_t prepare_context(std::uint64_t top) {
  auto* words = reinterpret_cast<std::uint64_t*>(top);
  *--words = 0;  // alignment: thread_start is entered as if by a call
  *--words = reinterpret_cast<std::uint64_t>(&thread_start);
  *--words = 0;  // RBP
  return reinterpret_cast<std::uint64_t>(words);
}

}  // namespace plumbline
