// The state that an interrupt or exception saves; entry.S knows the layout.
#pragma once

#include <cstddef>
#include <cstdint>

namespace plumbline {

struct TrapFrame {
  std::uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
  std::uint64_t rflags;
  // Where the return address goes: 136 bytes below the interrupted stack pointer.
  std::uint64_t return_slot;
  std::uint64_t vector, error, rip, cs, rsp, ss;
  // Whether handlers were allowed (the flag in memory, not RFLAGS.IF).
  std::uint64_t interrupts_enabled;
};
static_assert(offsetof(TrapFrame, rflags) == 120);
static_assert(offsetof(TrapFrame, interrupts_enabled) == 184);
static_assert(sizeof(TrapFrame) == 192);

}  // namespace plumbline
