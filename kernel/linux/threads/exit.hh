// How tasks and processes end.
#pragma once

namespace plumbline::linux_abi {

// Ends the running task alone. Status as wait4 reports it: exit code << 8, or a signal's number,
// with 0x80 for a core dump. The last task ends its process.
[[noreturn]] void end_task(int wait_status);

// Ends the running task's process: its other tasks end on their way back into their program, and
// its parent gets the status.
[[noreturn]] void end_process(int wait_status);

// Ends the running task if another one has asked for that (exit_group, execve, a deadly signal).
void end_task_if_asked();

// execve: ends all tasks of the running task's process but this one, and waits until they are gone.
// False when the process is ending already, and this task with it.
bool end_other_tasks();

}  // namespace plumbline::linux_abi
