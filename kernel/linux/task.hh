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
  // Its place in Process::signal_takers, and what sigsuspend and the like leave to be put back.
  SignalTaker signal_taker;

  // Set, with request_attention(kWorkSignal), by whoever ends this task (exit_group or execve in
  // another one): the task then ends on its way back into the program's code.
  std::atomic<bool> must_end{false};
};

// The running thread's task; null in kernel threads.
Task* current_task_or_null();
Task& current_task();

// The task with this number, in any process; none when there is no such task.
Ref<Task> find_task(TaskId id);
// The task of `process` with the lowest number above `after`; none at the end. For /proc.
Ref<Task> next_task(Process& process, TaskId after);

// Ends the running task alone; the last one ends the process with this status (as wait4 reports
// it) unless the process has one already.
[[noreturn]] void exit_task(int wait_status);

}  // namespace plumbline::linux_abi
