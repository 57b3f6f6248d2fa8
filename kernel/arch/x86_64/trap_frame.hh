// The state that an interrupt or exception saves; entry.S knows the layout.
#pragma once

#include <cstddef>
#include <cstdint>

#include "arch/x86_64/application.hh"

namespace plumbline {

// `vector` of a frame that a system call made; `error` is then the call's number.
inline constexpr std::uint64_t kCallVector = 256;

// The general registers come first, so that the frame of a program is also what call_registers()
// shows.
struct TrapFrame : ApplicationRegisters {
  // Where the return address goes when kernel code was interrupted: 136 bytes below its stack
  // pointer. 0: a program's code was interrupted, whose stack is not touched.
  std::uint64_t return_slot;
  std::uint64_t vector, error, cs, ss;
  // Whether handlers were allowed (the flag in memory, not RFLAGS.IF).
  std::uint64_t interrupts_enabled;

  bool from_application() const { return return_slot == 0; }
};
static_assert(sizeof(ApplicationRegisters) == 144);
static_assert(sizeof(TrapFrame) == 192);

}  // namespace plumbline
