// Whom a file of /proc/PID is about, and what is known of it.
#pragma once

#include "linux/proc/process_formats.hh"
#include "linux/process_table.hh"

namespace plumbline::linux_abi {

// A process as a whole (/proc/PID), or one of its tasks (/proc/PID/task/TID).
struct Subject {
  Ref<Process> process;
  Ref<Task> task;  // none when the process has no tasks any more
  bool whole = true;
};

// Everything that stat, statm and status tell, as it is now.
ProcessSnapshot snapshot(const Subject& subject);

}  // namespace plumbline::linux_abi
