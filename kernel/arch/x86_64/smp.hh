// Starting the other CPUs.
#pragma once

#include <cstdint>
#include <span>

#include "core/per_cpu.hh"

namespace plumbline {

// What a CPU gets before its first line of C++. ap_start.S knows the layout.
struct CpuStart {
  PerCpu* block;
  std::uint64_t block_physical;
  std::uint64_t stack_top;
};

// Starts the CPUs with these APIC ids, all at once; each takes one of `starts` (in the order of
// their arrival) and calls `entry` on its stack. Does not wait for them. `starts` must stay.
void start_cpus(std::span<const std::uint32_t> apic_ids, std::span<const CpuStart> starts,
                void (*entry)());
// Repeats the start-up interrupt, which a CPU that runs already ignores.
void start_cpus_again(std::span<const std::uint32_t> apic_ids);

}  // namespace plumbline
