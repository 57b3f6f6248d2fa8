// Filling in the list of CPUs; for the boot only.
#pragma once

#include "core/per_cpu.hh"

extern "C" plumbline::PerCpu boot_per_cpu;

namespace plumbline {

// Adds the block with the next index. Its CPU may not have started yet.
void add_cpu(PerCpu& block);

}  // namespace plumbline
