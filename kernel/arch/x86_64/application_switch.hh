// What a switch between threads changes besides the stack. In line: every switch comes here.
#pragma once

#include "arch/x86_64/application.hh"
#include "arch/x86_64/program_tables.hh"
#include "arch/x86_64/vector_state.hh"
#include "core/per_cpu.hh"

namespace plumbline {

// For the thread that a CPU starts with, masked.
inline void set_application_state(PerCpu& here, ApplicationState& first,
                                  std::uint64_t kernel_stack_top) {
  here.application = &first;
  here.kernel_stack_top = kernel_stack_top;
}

// For the scheduler, masked, before every switch: what belongs to the CPU and not to the stack.
[[gnu::always_inline]] inline void switch_application_state(PerCpu& here,
                                                            ApplicationState& previous,
                                                            ApplicationState& next,
                                                            std::uint64_t kernel_stack_top) {
  if (previous.vector_area != nullptr) {
    vector_state::save_for_switch(previous.vector_area);
    previous.fs_base = fs_base();
  }
  set_application_state(here, next, kernel_stack_top);
  if (next.vector_area != nullptr) {
    set_fs_base(next.fs_base);
    if (here.loaded_tables != next.tables) [[unlikely]]
      paging::load_tables(next.tables);
    // A thread that has run elsewhere since has newer registers in its area.
    if (here.vector_owner != &next || next.vector_cpu != here.index) {
      vector_state::load(next.vector_area);
      here.vector_owner = &next;
      next.vector_cpu = here.index;
    }
  }
}

}  // namespace plumbline
