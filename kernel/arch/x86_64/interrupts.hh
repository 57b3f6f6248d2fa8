// Interrupts: masking that costs a store, vectors, and how devices reach them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/per_cpu.hh"

namespace plumbline {

// Not 0 when handlers may run on this CPU: the flag itself, to be kept and looked at later.
inline std::uint8_t interrupt_flag() {
  std::uint8_t enabled;
  asm volatile("movb %%gs:0, %0" : "=q"(enabled) : : "memory");
  return enabled;
}
// True when handlers may run on this CPU.
inline bool interrupts_enabled() { return interrupt_flag() != 0; }

// No handler runs on this CPU from here on; what arrives is noted. A store, not cli: that traps on
// kvm_pvm.
inline void mask_interrupts() { asm volatile("movb $0, %%gs:0" : : : "memory"); }

// Handlers may run; those of interrupts that arrived meanwhile run now. The store comes before the
// test: an interrupt between the two is either delivered at once or seen by the test.
inline void unmask_interrupts() {
  asm volatile goto(
      "movb $1, %%gs:0\n\t"
      "cmpb $0, %%gs:1\n\t"
      "jne %l[pending]"
      :
      :
      : "memory", "cc"
      : pending);
  return;
pending:
  // Delivers what arrived while masked. Keeps all registers, which no compiler knows of a function
  // that it is told to call: who unmasks need not save those that a call may change.
  asm volatile("call deliver_keeping_registers" : : : "memory", "cc");
}

// Masks interrupts for a scope. Nests.
class InterruptGuard {
 public:
  InterruptGuard() : were_enabled_(interrupt_flag()) { mask_interrupts(); }
  ~InterruptGuard() {
    if (were_enabled_ != 0) unmask_interrupts();
  }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  std::uint8_t were_enabled_;
};

// Runs masked, on the stack of whatever thread it interrupted: it may wake threads and take
// spinlocks, and must not block.
using InterruptHandler = void (*)(void* argument);

// Reserves an interrupt vector, valid on every CPU, for a handler. Never fails quietly: running out
// panics.
unsigned allocate_vector(InterruptHandler handler, void* argument);
// Gives a vector back. The device must have stopped using it.
void free_vector(unsigned vector);

// What a device writes, and where, to raise `vector` on `cpu`: goes into its MSI-X table.
struct MsiMessage {
  std::uint64_t address;
  std::uint32_t data;
};
MsiMessage msi_message(unsigned vector, unsigned cpu);

enum class Trigger : std::uint8_t { kEdge, kLevel };

// Connects a global system interrupt (an I/O APIC pin) to `vector` on `cpu`. False when no I/O APIC
// has that pin.
bool ioapic_route(unsigned gsi, unsigned vector, unsigned cpu, Trigger trigger);

// For the kernel itself: connects one of the vectors of arch/x86_64/vectors.hh.
void set_fixed_vector(unsigned vector, InterruptHandler handler, void* argument);

// Raises `vector` on another CPU.
void send_interrupt(unsigned cpu, unsigned vector);

}  // namespace plumbline
