#include "linux/process_table.hh"

#include <array>

namespace plumbline::linux_abi {
namespace {

// As Linux has it on machines of this size; the identifiers of a robust futex have 30 bits.
constexpr TaskId kLargestId = 4'194'304 - 1;
// Below this Linux starts no second time round (include/linux/threads.h, RESERVED_PIDS).
constexpr TaskId kFirstAfterWrap = 300;

constinit Spinlock lock;
// Tasks by number, in buckets: threads come and go far more often than processes.
std::array<Task*, 1024> task_buckets{};
constinit IntrusiveList<ProcessLinks, &ProcessLinks::table_hook> processes;
Process* first = nullptr;
TaskId last_id = 0;
unsigned tasks = 0;

Task*& bucket_of(TaskId id) { return task_buckets[id % task_buckets.size()]; }

void link(Task& task) {
  Task*& bucket = bucket_of(task.id);
  task.next_in_table = bucket;
  bucket = &task;
}

void unlink(Task& task) {
  Task** at = &bucket_of(task.id);
  while (*at != &task) at = &(*at)->next_in_table;
  *at = task.next_in_table;
}

bool is_used(TaskId id) {
  if (find_task_locked(id) != nullptr) return true;
  for (ProcessLinks& links : processes) {
    const auto& process = static_cast<Process&>(links);
    // A group or session keeps its number while somebody is in it (POSIX, fork).
    if (process.id == id || process.group == id || process.session == id) return true;
  }
  return false;
}

}  // namespace

Spinlock& process_table_lock() { return lock; }

Process* first_process() { return first; }

Process* find_process_locked(ProcessId id) {
  for (ProcessLinks& links : processes) {
    auto& process = static_cast<Process&>(links);
    if (process.id == id) return &process;
  }
  return nullptr;
}

Task* find_task_locked(TaskId id) {
  Task* task = bucket_of(id);
  while (task != nullptr && task->id != id) task = task->next_in_table;
  return task;
}

Ref<Process> find_process(ProcessId id) {
  const LockGuard guard(lock);
  return Ref<Process>::share(find_process_locked(id));
}

Ref<Task> find_task(TaskId id) {
  const LockGuard guard(lock);
  return Ref<Task>::share(find_task_locked(id));
}

Ref<Process> next_process(ProcessId after) {
  const LockGuard guard(lock);
  Process* next = nullptr;
  for (ProcessLinks& links : processes) {
    auto& process = static_cast<Process&>(links);
    if (process.id > after && (next == nullptr || process.id < next->id)) next = &process;
  }
  return Ref<Process>::share(next);
}

Ref<Task> next_task(Process& process, TaskId after) {
  const LockGuard guard(lock);
  Task* next = nullptr;
  for_each_task_locked(process, [&](Task& task) {
    if (task.id > after && (next == nullptr || task.id < next->id)) next = &task;
    return true;
  });
  return Ref<Task>::share(next);
}

TaskId allocate_task_id() {
  const LockGuard guard(lock);
  for (TaskId tries = 0; tries < kLargestId; ++tries) {
    last_id = last_id == kLargestId ? kFirstAfterWrap : last_id + 1;
    if (!is_used(last_id)) return last_id;
  }
  return 0;
}

void insert_process(Process& process, Process* parent) {
  process.retain();
  const LockGuard guard(lock);
  processes.push_back(&process);
  if (first == nullptr) first = &process;
  process.parent = parent;
  if (parent != nullptr) parent->children.push_back(&process);
}

Status insert_task(Task& task) {
  const LockGuard guard(lock);
  if (task.process->exiting) return Errno::kEAGAIN;
  task.retain();
  link(task);
  task.process->tasks.push_back(&task);
  task.process->task_count.fetch_add(1, std::memory_order_relaxed);
  ++tasks;
  return {};
}

void remove_process_locked(Process& process) {
  processes.remove(&process);
  if (process.sibling_hook.linked()) process.parent->children.remove(&process);
  process.parent = nullptr;
}

void remove_task_locked(Task& task) {
  unlink(task);
  task.process->tasks.remove(&task);
  task.process->task_count.fetch_sub(1, std::memory_order_relaxed);
  --tasks;
}

void renumber_task_locked(Task& task, TaskId id) {
  unlink(task);
  task.id = id;
  link(task);
}

Process* table_detail::next_process_locked(Process* process) {
  return static_cast<Process*>(process == nullptr ? processes.front() : processes.next(process));
}

unsigned task_total() {
  const LockGuard guard(lock);
  return tasks;
}

Process& current_process() { return *current_task().process; }

}  // namespace plumbline::linux_abi
