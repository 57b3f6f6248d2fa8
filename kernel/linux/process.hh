// Processes: what the threads of one program share. All processes live in one address space.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/intrusive_list.hh"
#include "core/reference.hh"
#include "fs/descriptor_table.hh"
#include "fs/poll.hh"
#include "linux/signal/signal_state.hh"
#include "sync/mutex.hh"
#include "sync/wait_queue.hh"

namespace plumbline {
class Vnode;
}

namespace plumbline::linux_abi {

class Task;
struct ProcessTimers;

using ProcessId = std::uint32_t;

// getrlimit(2): soft and hard.
struct Limit {
  std::uint64_t current, maximum;
};
inline constexpr unsigned kLimits = 16;

class Process : public ReferenceCounted {
 public:
  ProcessId id = 0;
  Process* parent = nullptr;  // under the process table's lock
  ProcessId group = 0, session = 0;

  Ref<DescriptorTable> descriptors;
  // Under fs_lock: working directory and umask.
  Mutex fs_lock;
  Ref<Vnode> working_directory;
  std::uint32_t umask = 022;
  std::uint32_t user = 0, group_id = 0;  // real = effective = saved
  Limit limits[kLimits] = {};

  // Handlers and what is pending for the process as a whole (linux/signal).
  SignalHandlers handlers;
  PendingSignals pending;
  SignalTakers signal_takers;
  // Told (kPollIn) when a signal is queued for the process or one of its tasks: for signalfd.
  PollSource signal_arrivals;
  // Interval timers, timer_create's timers and CPU time of ended tasks (linux/time).
  ProcessTimers* timers = nullptr;
  // Stopped by SIGSTOP and its like until SIGCONT; under the signal lock.
  std::atomic<bool> stopped{false};

  // Executable and arguments, for /proc/self/exe, cmdline, comm and auxv.
  Ref<Vnode> executable;
  char executable_path[256] = "";
  char* arguments = nullptr;  // zero-separated, from the heap
  std::size_t arguments_length = 0;

  // brk(2).
  std::uint64_t break_begin = 0, break_end = 0;

  // Tasks, under the process table's lock.
  std::atomic<unsigned> task_count{0};
  bool exiting = false;
  // As wait4 reports it.
  int exit_status = 0;
};

// The running thread's process. Only in threads of programs.
Process& current_process();

// The process with this number; none when there is no such process (a zombie counts).
Ref<Process> find_process(ProcessId id);
// The process with the lowest number above `after`; none at the end. For /proc and kill(-1).
Ref<Process> next_process(ProcessId after);

// Ends the running task's process: all its tasks end, and its parent gets `wait_status` as wait4
// reports it (exit code << 8, or the number of the signal that ended it).
[[noreturn]] void exit_process(int wait_status);

}  // namespace plumbline::linux_abi
