// GDT, TSS and IDT.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/per_cpu.hh"

namespace plumbline {

struct [[gnu::packed]] TaskState {
  std::uint32_t reserved0;
  std::uint64_t stacks[3];
  std::uint64_t reserved1;
  std::uint64_t interrupt_stacks[7];
  std::uint64_t reserved2;
  std::uint16_t reserved3;
  std::uint16_t io_map;
};

// What the CPU reads by itself: one per CPU.
struct alignas(16) CpuPrivate {
  // Linux's layout, which kvm_pvm expects: 0x10 kernel code, 0x18 kernel data, 0x23, 0x2b and 0x33
  // user.
  std::uint64_t gdt[10];
  TaskState task;
  alignas(16) std::byte interrupt_stack[2048];
  alignas(16) std::byte exception_stack[6144];
  alignas(16) std::byte fatal_stack[4096];
};

// Fills in a CPU's tables and loads them on the running CPU, together with the common IDT.
void load_descriptors(CpuPrivate& cpu);
// Builds the IDT, once.
void build_interrupt_table();

}  // namespace plumbline
