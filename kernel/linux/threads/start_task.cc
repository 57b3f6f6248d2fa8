#include "linux/threads/start_task.hh"

#include "linux/process_table.hh"
#include "linux/signal/signals.hh"
#include "linux/task.hh"
#include "sched/thread.hh"

namespace plumbline::linux_abi {
namespace {

void thread_ended(Thread* thread) {
  release_application_thread(thread->application);
  free_thread(thread);
}

}  // namespace

Status create_task_thread(Task& task, void (*function)(void*), void* argument) {
  Thread& creator = *current();
  ThreadOptions options{.name = "program", .moves = true, .ended = thread_ended};
  if (creator.application.task != nullptr) options.allowed_cpus = creator.allowed_cpus;
  Thread* thread = create_thread(options, function, argument);
  if (thread == nullptr) return Errno::kENOMEM;
  if (!prepare_application_thread(thread->application)) {
    free_thread(thread);
    return Errno::kENOMEM;
  }
  thread->application.task = &task;
  task.thread = thread;
  return {};
}

void discard_task_thread(Task& task) {
  thread_ended(task.thread);
  task.thread = nullptr;
}

Status start_task(Task& task) {
  // Before others can find it: once it runs it may end at any moment.
  Thread& thread = *task.thread;
  if (const Status status = insert_task(task); !status) return status;
  attach_signals(task);
  start_thread(thread);
  return {};
}

}  // namespace plumbline::linux_abi
