// Who there is: processes and tasks by number. One lock covers the tables, the tree of processes
// and each process's list of tasks.
#pragma once

#include "core/reference.hh"
#include "core/result.hh"
#include "linux/process.hh"
#include "linux/task.hh"
#include "sync/lock_guard.hh"
#include "sync/spinlock.hh"

namespace plumbline::linux_abi {

// May be taken in interrupt handlers. Before it: nothing. After it: signal locks, run queues.
Spinlock& process_table_lock();

// By number; none when there is no such (zombies are processes, but not tasks).
Ref<Process> find_process(ProcessId id);
Ref<Task> find_task(TaskId id);
// The same with the lock held, without a reference.
Process* find_process_locked(ProcessId id);
Task* find_task_locked(TaskId id);

// The process, or the task of a process, with the lowest number above `after`; none at the end. For
// /proc and kill(-1).
Ref<Process> next_process(ProcessId after);
Ref<Task> next_task(Process& process, TaskId after);

// A free number for a task or process, or 0.
TaskId allocate_task_id();

// Puts them into the table with the number they carry; the table holds a reference until removed.
// A process comes before its first task. kEAGAIN: the process is ending.
void insert_process(Process& process, Process* parent);
Status insert_task(Task& task);
// Takes them out, with the lock held; the caller drops the table's reference after the lock.
void remove_process_locked(Process& process);
void remove_task_locked(Task& task);
// Gives a task another number, which is free.
void renumber_task_locked(Task& task, TaskId id);

namespace table_detail {
Process* next_process_locked(Process* process);
}

// Calls `visit(Process&)`, with the lock held, for every process in order of start, while it
// returns true.
template <typename Visit>
void for_each_process(Visit visit) {
  const LockGuard guard(process_table_lock());
  Process* process = nullptr;
  while ((process = table_detail::next_process_locked(process)) != nullptr) {
    if (!visit(*process)) return;
  }
}
// The same for the tasks of a process; the caller holds the lock.
template <typename Visit>
void for_each_task_locked(Process& process, Visit visit) {
  for (ProcessMember& member : process.tasks) {
    if (!visit(static_cast<Task&>(member))) return;
  }
}
template <typename Visit>
void for_each_task(Process& process, Visit visit) {
  const LockGuard guard(process_table_lock());
  for_each_task_locked(process, visit);
}

// Tasks of all processes that have not ended.
unsigned task_total();

}  // namespace plumbline::linux_abi
