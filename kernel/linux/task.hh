// Tasks: threads of programs, as Linux numbers them.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/per_cpu.hh"
#include "core/reference.hh"
#include "linux/process.hh"
#include "linux/signal/signal_state.hh"
#include "sched/thread_state.hh"

namespace plumbline::linux_abi {

using TaskId = std::uint32_t;

class Task : public ReferenceCounted, public ProcessMember {
 public:
  TaskId id = 0;
  Ref<Process> process;
  // Valid while the task is in its process's list; who uses another task's thread holds the process
  // table's lock.
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
  // sched_setscheduler, setpriority: kept and told, all threads run in turn.
  int policy = 0, priority = 0, nice = 0;
  // The next in its bucket of the task table.
  Task* next_in_table = nullptr;
};

// The running thread's task; null in kernel threads.
inline Task* current_task_or_null() { return static_cast<Task*>(current()->application.task); }
inline Task& current_task() { return *current_task_or_null(); }

}  // namespace plumbline::linux_abi
