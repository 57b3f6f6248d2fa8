// Processes: what the threads of one program share. All processes live in one address space.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/intrusive_list.hh"
#include "core/reference.hh"
#include "fs/descriptor_table.hh"
#include "fs/poll.hh"
#include "linux/signal/signal_state.hh"
#include "linux/system/process_attributes.hh"
#include "memory/address_space.hh"
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

// The mappings that a program made. vfork's child uses its parent's until it execs; when the last
// process lets go, they are removed.
class ProgramMemory : public ReferenceCounted {
 public:
  // Numbers are used once, so that what a new program maps is never taken for the old one's.
  ProgramMemory();
  const AddressOwner owner;

 protected:
  ~ProgramMemory() override;
};

// What a list of tasks needs of each (linux/task.hh derives from it).
struct ProcessMember {
  ListHook member_hook;
};

// The places of a process in the list of all and in its parent's list.
struct ProcessLinks {
  ListHook sibling_hook;
  ListHook table_hook;
};

class Process : public ReferenceCounted, public ProcessLinks {
 public:
  Process();

  ProcessId id = 0;
  Process* parent = nullptr;  // under the process table's lock
  ProcessId group = 0, session = 0;
  // Its controlling terminal's serial number (linux/terminals); 0: none. Under the table's lock.
  std::uint64_t terminal = 0;

  Ref<DescriptorTable> descriptors;
  // Under fs_lock: working directory and umask.
  Mutex fs_lock;
  Ref<Vnode> working_directory;
  std::uint32_t umask = 022;
  std::uint32_t user = 0, group_id = 0;  // effective; the others are in `identity`
  Identity identity;
  ProcessAttributes attributes;
  Limit limits[kLimits] = {};

  // Handlers and what is pending for the process as a whole (linux/signal).
  SignalHandlers handlers;
  PendingSignals pending;
  SignalTakers signal_takers;
  // Told (kPollIn) when a signal is queued for the process or one of its tasks: for signalfd.
  PollSource signal_arrivals;
  // Interval timers and timer_create's timers, once there is one (linux/time).
  std::atomic<ProcessTimers*> timers{nullptr};
  // Stopped by SIGSTOP and its like until SIGCONT; under the signal lock.
  std::atomic<bool> stopped{false};
  // What wait4 has not told the parent yet, as it tells it: that the process stopped, or that it
  // goes on; 0: nothing. Written under the signal lock, taken by the parent.
  std::atomic<int> job_status{0};
  // SIGCONT has come for the stopped process, and nobody has told its parent by SIGCHLD.
  std::atomic<bool> tells_continued{false};

  // Executable and arguments, for /proc/self/exe, cmdline, comm and auxv. Under fs_lock.
  Ref<Vnode> executable;
  char executable_path[256] = "";
  char* arguments = nullptr;  // zero-separated, from the heap
  std::size_t arguments_length = 0;
  char* environment = nullptr;  // the same
  std::size_t environment_length = 0;
  char* auxiliary_vector = nullptr;  // as on the program's stack, from the heap
  std::size_t auxiliary_length = 0;

  // The mappings of this process; who maps for it names this owner (0: it has ended). Replaced by
  // exec alone.
  Ref<ProgramMemory> memory;
  std::atomic<AddressOwner> owner{0};
  AddressOwner memory_owner() const { return owner.load(std::memory_order_relaxed); }

  // What membarrier(2) has been registered for; goes with exec.
  std::atomic<std::uint32_t> memory_barriers{0};

  // brk(2).
  std::uint64_t break_begin = 0, break_end = 0;

  // Tasks, under the process table's lock: tasks that have not ended (task_count as well).
  IntrusiveList<ProcessMember, &ProcessMember::member_hook> tasks;
  std::atomic<unsigned> task_count{0};
  // exit_group, a deadly signal or exec ends its tasks; no new ones start.
  bool exiting = false;
  // As wait4 reports it.
  int exit_status = 0;
  // Of the first task, which says how the process ended when nobody called exit_group.
  int first_task_status = 0;

  // Under the process table's lock.
  IntrusiveList<ProcessLinks, &ProcessLinks::sibling_hook> children;
  // Ended, and waiting for its parent to ask. No tasks, no memory, no descriptors.
  bool zombie = false;
  // The signal its parent gets at its end: SIGCHLD, or 0.
  int exit_signal = 0;
  // execve has succeeded in it (setpgid(2): EACCES).
  bool has_executed = false;
  // Processor time of tasks that have ended and of children waited for, in TSC ticks.
  std::uint64_t ended_ticks = 0, children_ticks = 0;
  // Its parent waits in vfork until this is false (exec or end).
  std::atomic<bool> borrows_parent{false};

  // Wakes who waits: parents for children, vfork's parent, exec for the last other task.
  WaitQueue changed;
  // Told (kPollIn) when the process has ended: for its descriptors (pidfd_open).
  PollSource ends;

 protected:
  ~Process() override;
};

// The running thread's process. Only in threads of programs.
Process& current_process();

// The first process: init's stand-in, parent of orphans. Null before it starts.
Process* first_process();

}  // namespace plumbline::linux_abi
