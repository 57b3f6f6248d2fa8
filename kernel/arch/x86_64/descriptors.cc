#include "arch/x86_64/descriptors.hh"

#include "arch/x86_64/application.hh"
#include "arch/x86_64/per_cpu_offsets.h"

extern "C" char interrupt_stubs[], exception_stubs[];

namespace plumbline {
namespace {

static_assert(offsetof(PerCpu, self) == PER_CPU_SELF);
static_assert(offsetof(PerCpu, stack_limit) == PER_CPU_STACK_LIMIT);
static_assert(offsetof(PerCpu, kernel_stack_top) == PER_CPU_KERNEL_STACK_TOP);
static_assert(offsetof(PerCpu, application) == PER_CPU_APPLICATION);
static_assert(offsetof(PerCpu, exit_rip) == PER_CPU_EXIT_RIP);
static_assert(offsetof(ApplicationState, work) == APPLICATION_WORK);
static_assert(offsetof(PerCpu, need_reschedule) == PER_CPU_NEED_RESCHEDULE);
static_assert(offsetof(PerCpu, masked_by_host) == PER_CPU_MASKED_BY_HOST);

struct [[gnu::packed]] Gate {
  std::uint16_t offset_low;
  std::uint16_t selector;
  std::uint8_t stack;
  std::uint8_t type;
  std::uint16_t offset_middle;
  std::uint32_t offset_high;
  std::uint32_t reserved;
};
static_assert(sizeof(Gate) == 16);

Gate interrupt_table[256];

enum InterruptStack : std::uint8_t { kInterrupt = 1, kException = 2, kFatal = 3 };

void set_gate(unsigned vector, const char* entry, InterruptStack stack) {
  const auto address = reinterpret_cast<std::uint64_t>(entry);
  // An interrupt gate: hardware interrupts (on kvm_pvm, the flag in memory) are off until the entry
  // has moved the state off the IST stack, which a second interrupt would overwrite.
  interrupt_table[vector] = Gate{static_cast<std::uint16_t>(address),
                                 0x10,
                                 stack,
                                 0x8e,
                                 static_cast<std::uint16_t>(address >> 16),
                                 static_cast<std::uint32_t>(address >> 32),
                                 0};
}

struct [[gnu::packed]] TablePointer {
  std::uint16_t limit;
  std::uint64_t base;
};

std::uint64_t end_of(std::byte* stack, std::size_t size) {
  return reinterpret_cast<std::uint64_t>(stack + size);
}

}  // namespace

void build_interrupt_table() {
  for (unsigned vector = 0; vector < 32; ++vector) {
    const bool fatal = vector == 2 || vector == 8 || vector == 18;
    set_gate(vector, exception_stubs + 16 * vector, fatal ? kFatal : kException);
  }
  for (unsigned vector = 32; vector < 256; ++vector) {
    set_gate(vector, interrupt_stubs + 8 * (vector - 32), kInterrupt);
  }
}

void load_descriptors(CpuPrivate& cpu) {
  cpu.gdt[0] = 0;
  cpu.gdt[1] = 0x00cf9b000000ffff;
  cpu.gdt[2] = 0x00af9b000000ffff;
  cpu.gdt[3] = 0x00cf93000000ffff;
  cpu.gdt[4] = 0x00cffb000000ffff;
  cpu.gdt[5] = 0x00cff3000000ffff;
  cpu.gdt[6] = 0x00affb000000ffff;
  cpu.gdt[7] = 0;
  const auto base = reinterpret_cast<std::uint64_t>(&cpu.task);
  cpu.gdt[8] = (sizeof(TaskState) - 1) | ((base & 0xffffff) << 16) | (std::uint64_t{0x89} << 40) |
               ((base >> 24 & 0xff) << 56);
  cpu.gdt[9] = base >> 32;
  cpu.task.io_map = sizeof(TaskState);
  cpu.task.interrupt_stacks[kInterrupt - 1] =
      end_of(cpu.interrupt_stack, sizeof cpu.interrupt_stack);
  cpu.task.interrupt_stacks[kException - 1] =
      end_of(cpu.exception_stack, sizeof cpu.exception_stack);
  cpu.task.interrupt_stacks[kFatal - 1] = end_of(cpu.fatal_stack, sizeof cpu.fatal_stack);

  const TablePointer gdt{sizeof cpu.gdt - 1, reinterpret_cast<std::uint64_t>(cpu.gdt)};
  asm volatile("lgdt %0" : : "m"(gdt));
  asm volatile("ltr %w0" : : "r"(0x40));
  const TablePointer idt{sizeof interrupt_table - 1,
                         reinterpret_cast<std::uint64_t>(interrupt_table)};
  asm volatile("lidt %0" : : "m"(idt));
}

}  // namespace plumbline
