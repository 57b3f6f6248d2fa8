// Per-CPU data. GS points at this CPU's block on every platform.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/units.hh"

namespace plumbline {

inline constexpr unsigned kMaxCpus = 8;

class Thread;
struct CpuPrivate;
struct ApplicationState;

namespace paging {
struct ProgramTables;
}

// The block's first page is the page that kvm_pvm shares with its host: byte 0 says whether
// interrupts are enabled, byte 1 that one is waiting. Other platforms use the two bytes the same
// way, filled by the entry code. The rest of that page stays unused: the host may write there.
struct alignas(kPageSize) PerCpu {
  std::uint8_t interrupts_enabled;
  std::uint8_t interrupt_pending;
  std::uint8_t host_page[kPageSize - 2];

  // From here on offsets are known to assembly (arch/x86_64/per_cpu_offsets.hh checks them).
  PerCpu* self;
  Thread* current;
  // Interrupt entry refuses to use a stack below this address: it has overflowed.
  std::uint64_t stack_limit;
  // Where the running thread enters the kernel from a program's code.
  std::uint64_t kernel_stack_top;
  // The running thread's.
  ApplicationState* application;
  // Where the jump at the end of a return into a program's code goes (entry.S).
  std::uint64_t exit_rip;
  // Greater than zero: the scheduler may not take the CPU away from the running thread.
  std::uint32_t preempt_count;
  std::uint32_t need_reschedule;
  // 1 when the host itself honours byte 0 (kvm_pvm).
  std::uint8_t masked_by_host;
  // 1 while the idle loop may be halted, so that others know an interrupt is needed to wake it.
  std::atomic<std::uint8_t> halted;
  std::uint32_t index;
  std::uint32_t apic_id;
  // Vectors that arrived while masked, one bit each.
  std::uint64_t pending_vectors[4];
  std::uint64_t interrupt_count;
  // State of the layers above, allocated when the CPU is set up.
  void* scheduler;
  void* heap;
  void* timers;
  CpuPrivate* arch;
  // Whose state this CPU's vector registers hold, unless that has run elsewhere since.
  ApplicationState* vector_owner;
  // What CR3 holds; null: the common tables. Reading CR3 traps on kvm_pvm.
  paging::ProgramTables* loaded_tables;
};

// This CPU's block. A thread that may move must be masked or pinned while it uses the result.
// Volatile: after a call that switched threads the block may be another one.
inline PerCpu& this_cpu() {
  PerCpu* self;
  asm volatile("mov %%gs:%c1, %0" : "=r"(self) : "i"(offsetof(PerCpu, self)));
  return *self;
}

// The running thread, in one instruction: right also for threads that may move at any time.
inline Thread* current() {
  Thread* thread;
  asm("mov %%gs:%c1, %0" : "=r"(thread) : "i"(offsetof(PerCpu, current)));
  return thread;
}

// CPUs that run, 1 to kMaxCpus.
unsigned cpu_count();
// The block of CPU `index`, which is below cpu_count().
PerCpu& cpu(unsigned index);

// Holds the running thread on its CPU, interrupts stay enabled.
class PreemptionGuard {
 public:
  PreemptionGuard();
  ~PreemptionGuard();
  PreemptionGuard(const PreemptionGuard&) = delete;
  PreemptionGuard& operator=(const PreemptionGuard&) = delete;
};

}  // namespace plumbline
