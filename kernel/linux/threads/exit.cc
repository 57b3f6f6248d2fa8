#include "linux/threads/exit.hh"

#include <utility>

#include "arch/x86_64/interrupts.hh"
#include "core/log.hh"
#include "core/panic.hh"
#include "fs/vnode.hh"
#include "linux/call.hh"
#include "linux/process_table.hh"
#include "linux/signal/signals.hh"
#include "linux/task.hh"
#include "linux/terminals/job_control.hh"
#include "linux/threads/child_status.hh"
#include "linux/threads/futex.hh"
#include "linux/threads/robust_list.hh"
#include "memory/application_memory.hh"
#include "sched/scheduler.hh"

namespace plumbline::linux_abi {
namespace {

// Asks all tasks but the running one to end, with the table's lock.
void ask_others_to_end(Process& process) {
  Task& running = current_task();
  for_each_task_locked(process, [&](Task& task) {
    if (&task == &running) return true;
    task.must_end.store(true, std::memory_order_relaxed);
    request_attention(*task.thread, kWorkSignal);
    return true;
  });
}

// The process's children get the first process for a parent, which waits for what ended already.
void give_children_away(Process& process) {
  Ref<Process> heir;
  {
    const LockGuard guard(process_table_lock());
    heir = Ref<Process>::share(first_process());
    while (ProcessLinks* links = process.children.pop_front()) {
      auto& child = static_cast<Process&>(*links);
      child.parent = heir.get();
      heir->children.push_back(links);
    }
  }
  heir->changed.wake_all();
}

// Everything that a process holds goes, while its last task still runs.
void release_resources(Process& process) {
  discard_signals(process);
  Ref<DescriptorTable> descriptors;
  {
    // Under the lock: others look at the descriptors of processes they find in the table.
    const LockGuard guard(process_table_lock());
    std::swap(descriptors, process.descriptors);
  }
  descriptors = nullptr;
  Ref<Vnode> directory, executable;
  {
    const LockGuard guard(process.fs_lock);
    std::swap(directory, process.working_directory);
    std::swap(executable, process.executable);
  }
  process.owner.store(0, std::memory_order_relaxed);
  process.memory = nullptr;
}

// The last task of a process has left it.
void end_of_process(Process& process) {
  end_session_of(process);
  release_resources(process);
  // Whatever vfork's parent lent is not used any more.
  process.borrows_parent.store(false, std::memory_order_release);
  if (first_process() != &process) give_children_away(process);
  Ref<Process> parent;
  bool removed = false;
  {
    // The signal and what a wait call finds come at once: whoever has one of them expects the
    // other.
    const LockGuard guard(process_table_lock());
    if (!process.exiting) process.exit_status = process.first_task_status;
    parent = Ref<Process>::share(process.parent);
    process.zombie = true;
    if (parent) {
      const ChildStatus status = describe_status(process.exit_status);
      if (notify_parent(*parent, static_cast<unsigned>(process.exit_signal), process.id,
                        process.user, status.code, status.status)) {
        remove_process_locked(process);
        removed = true;
      }
    }
  }
  process.ends.notify(kPollIn | kPollReadNormal);
  // The table's reference; the task has one still.
  if (removed) process.release();
  process.changed.wake_all();
  if (parent) parent->changed.wake_all();
}

}  // namespace

void end_task(int wait_status) {
  Task& task = current_task();
  Ref<Process> process = task.process;
  release_robust_futexes(task);
  if (task.clear_id_address != 0) {
    // Both may fail: the address is the program's business.
    if (store_application<std::uint32_t>(task.clear_id_address, 0)) {
      static_cast<void>(wake_futex(task.clear_id_address, 1));
    }
  }
  detach_signals(task);
  bool last, awaited;
  {
    const LockGuard guard(process_table_lock());
    Thread& thread = *current();
    process->ended_ticks += thread.run_ticks + (tsc_now() - thread.switched_in);
    if (task.id == process->id) process->first_task_status = wait_status;
    remove_task_locked(task);
    last = process->task_count.load(std::memory_order_relaxed) == 0;
    task.thread = nullptr;
    awaited = process->exiting;
  }
  // exec waits for the others to go.
  if (awaited) process->changed.wake_all();
  if (last) end_of_process(*process);
  process = nullptr;
  current()->application.task = nullptr;
  // The table's reference, and the thread's own.
  task.release();
  task.release();
  scheduler::exit_current();
}

void end_process(int wait_status) {
  Task& task = current_task();
  Process& process = *task.process;
  {
    const LockGuard guard(process_table_lock());
    if (!process.exiting) {
      process.exiting = true;
      process.exit_status = wait_status;
      ask_others_to_end(process);
    }
  }
  end_task(wait_status);
}

void end_task_if_asked() {
  if (current_task().must_end.load(std::memory_order_relaxed)) end_task(0);
}

bool end_other_tasks() {
  Process& process = *current_task().process;
  {
    const LockGuard guard(process_table_lock());
    if (process.exiting) return false;
    process.exiting = true;
    ask_others_to_end(process);
  }
  // They may wait for what is never going to happen without them, but not for this task: it is out
  // of every lock.
  process.changed.wait_until(
      [&] { return process.task_count.load(std::memory_order_acquire) == 1; });
  const LockGuard guard(process_table_lock());
  process.exiting = false;
  return true;
}

namespace {

Status call_exit(int status) { end_task((status & 0xff) << 8); }
Status call_exit_group(int status) { end_process((status & 0xff) << 8); }

LINUX_CALL(60, exit, call_exit);
LINUX_CALL(231, exit_group, call_exit_group);

}  // namespace
}  // namespace plumbline::linux_abi
