// Code that waits. The instruction counter of the workbench tells waiting from work by the symbols
// __idle_text_start and __idle_text_end, so loops that poll stand in the section between them.
#pragma once

// Puts a function that only polls or halts into the idle section: `IDLE_TEXT bool spin(...)`. Not
// for templates: the compiler ignores a section on those.
#define IDLE_TEXT [[gnu::section(".text.idle"), gnu::noinline]]

namespace plumbline {

// Tells the CPU (and a hypervisor that looks) that this is a spin loop.
inline void cpu_relax() { __builtin_ia32_pause(); }

}  // namespace plumbline
