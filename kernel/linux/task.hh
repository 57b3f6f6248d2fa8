// Tasks: threads of programs, as Linux numbers them.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/reference.hh"
#include "linux/process.hh"
#include "linux/signal/signal_state.hh"

namespace plumbline {
class Thread;
}

namespace plumbline::linux_abi {

using TaskId = std::uint32_t;

class Task : public ReferenceCounted {
 public:
  TaskId id = 0;
  Ref<Process> process;
  Thread* thread = nullptr;
  char name[16] = "";  // comm

  // set_tid_address, CLONE_CHILD_CLEARTID: cleared and woken at the end.
  std::uint64_t clear_id_address = 0;
  // set_robust_list.
  std::uint64_t robust_list = 0;

  // Signals for this task alone.
  SignalMask blocked = 0;
  PendingSignals pending;
  AlternateStack alternate_stack;
};

// The running thread's task; null in kernel threads.
Task* current_task_or_null();
Task& current_task();

}  // namespace plumbline::linux_abi
