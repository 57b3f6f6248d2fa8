// Processes: what the threads of one program share. All processes live in one address space.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/intrusive_list.hh"
#include "core/reference.hh"
#include "fs/descriptor_table.hh"
#include "linux/signal/signal_state.hh"
#include "sync/mutex.hh"
#include "sync/wait_queue.hh"

namespace plumbline {
class Vnode;
}

namespace plumbline::linux_abi {

class Task;

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

}  // namespace plumbline::linux_abi
