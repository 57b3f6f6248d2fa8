// The CPU time that tasks and processes have had. The scheduler counts it from switch to switch;
// time in the kernel counts as the program's own, since telling them apart would cost two readings
// of the clock in every system call.
#pragma once

#include "core/units.hh"

namespace plumbline::linux_abi {

class Process;
class Task;

Nanoseconds task_cpu_time(const Task& task);
// All tasks, those that have ended included. Takes the process table's lock.
Nanoseconds process_cpu_time(Process& process);
// Children that ended and were waited for.
Nanoseconds children_cpu_time(const Process& process);

}  // namespace plumbline::linux_abi
