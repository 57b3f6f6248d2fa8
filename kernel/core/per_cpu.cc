#include "core/per_cpu.hh"

#include "arch/x86_64/context.hh"
#include "arch/x86_64/interrupts.hh"
#include "core/assert.hh"
#include "core/cpu_table.hh"

// The boot CPU's block; start.S points GS at it.
alignas(plumbline::kPageSize) plumbline::PerCpu boot_per_cpu;

namespace plumbline {
namespace {

PerCpu* blocks[kMaxCpus];
unsigned count;

}  // namespace

unsigned cpu_count() { return count; }

PerCpu& cpu(unsigned index) {
  ASSERT(index < count);
  return *blocks[index];
}

void add_cpu(PerCpu& block) {
  ASSERT(count < kMaxCpus && block.index == count);
  blocks[count++] = &block;
}

PreemptionGuard::PreemptionGuard() {
  // One instruction: an interrupt, and with it a move to another CPU's block, cannot come in
  // between.
  asm volatile("incl %%gs:%c0" : : "i"(offsetof(PerCpu, preempt_count)) : "memory");
}

PreemptionGuard::~PreemptionGuard() {
  asm volatile("decl %%gs:%c0" : : "i"(offsetof(PerCpu, preempt_count)) : "memory");
  PerCpu& here = this_cpu();
  if (here.need_reschedule != 0 && here.preempt_count == 0 && interrupts_enabled()) {
    const InterruptGuard guard;
    preempt_current_thread();
  }
}

}  // namespace plumbline
