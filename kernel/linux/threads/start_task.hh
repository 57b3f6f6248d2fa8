// The thread behind a task.
#pragma once

#include "arch/x86_64/application.hh"
#include "core/result.hh"

namespace plumbline::linux_abi {

class Task;

// Makes the thread of a new task, which will run `function(argument)`; it inherits the running
// thread's vector registers and CPUs. kENOMEM.
Status create_task_thread(Task& task, void (*function)(void*), void* argument);
// Takes it back from a task that was never started.
void discard_task_thread(Task& task);

// Puts the task into its process and starts its thread, which then owns one reference to it.
// kEAGAIN: the process is ending; nothing has happened.
Status start_task(Task& task);

}  // namespace plumbline::linux_abi
