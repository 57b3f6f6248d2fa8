// clone, clone3, vfork: threads, and programs that share their parent's memory until they exec.
#include <atomic>
#include <cstring>
#include <new>

#include "core/log.hh"
#include "fs/vnode.hh"
#include "linux/call.hh"
#include "linux/process_table.hh"
#include "linux/task.hh"
#include "linux/threads/start_task.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

// Flags (Linux, include/uapi/linux/sched.h).
constexpr std::uint64_t kSignalMask = 0xff, kShareMemory = 0x100, kShareFiles = 0x400,
                        kShareSignalHandlers = 0x800, kPidfd = 0x1000, kVfork = 0x4000,
                        kThread = 0x10000, kNewNamespaces = 0x7e02'0000, kSetTls = 0x80000,
                        kParentSetId = 0x100000, kChildClearId = 0x200000, kChildSetId = 0x1000000,
                        kClearSignalHandlers = 0x1'0000'0000, kIntoCgroup = 0x2'0000'0000;

// struct clone_args, its first version; later fields must be zero here.
struct CloneArguments {
  std::uint64_t flags, pidfd, child_id, parent_id, exit_signal, stack, stack_size, tls;
};
static_assert(sizeof(CloneArguments) == 64);
constexpr std::size_t kLongestArguments = 4096;

constexpr unsigned kLastSignal = 64, kSigchld = 17;

// A task that starts as a copy of its creator.
void start_copy(void* argument) {
  auto* start = static_cast<ApplicationRegisters*>(argument);
  const ApplicationRegisters registers = *start;
  delete start;
  enter_application(registers);
}

// A process like the running one, which shares its memory.
Ref<Process> copy_process(const CloneArguments& arguments, ProcessId id) {
  Process& parent = current_process();
  auto child = Ref<Process>::adopt(new (std::nothrow) Process);
  if (!child) return {};
  child->id = id;
  child->exit_signal = static_cast<int>(arguments.exit_signal);
  if ((arguments.flags & kShareFiles) != 0) {
    child->descriptors = parent.descriptors;
  } else {
    Result<Ref<DescriptorTable>> descriptors = parent.descriptors->copy(id);
    if (!descriptors) return {};
    child->descriptors = *descriptors;
  }
  {
    const LockGuard guard(parent.fs_lock);
    child->working_directory = parent.working_directory;
    child->umask = parent.umask;
    child->executable = parent.executable;
    std::memcpy(child->executable_path, parent.executable_path, sizeof child->executable_path);
  }
  inherit_attributes(*child, parent);
  if ((arguments.flags & kClearSignalHandlers) != 0) {
    for (SignalAction& action : child->handlers.actions) {
      if (action.handler != 1) action = {};
    }
  }
  child->memory = parent.memory;
  child->owner.store(parent.memory_owner(), std::memory_order_relaxed);
  child->break_begin = parent.break_begin;
  child->break_end = parent.break_end;
  child->borrows_parent.store((arguments.flags & kVfork) != 0, std::memory_order_relaxed);
  {
    const LockGuard guard(process_table_lock());
    child->group = parent.group;
    child->session = parent.session;
    child->terminal = parent.terminal;
  }
  return child;
}

void report_fork() {
  static std::atomic<bool> reported{false};
  if (reported.exchange(true, std::memory_order_relaxed)) return;
  log_warning(
      "program: fork is not possible in one address space (ENOSYS); posix_spawn and vfork with "
      "exec are");
}

Status check(const CloneArguments& arguments) {
  const std::uint64_t flags = arguments.flags;
  if ((flags & kThread) != 0 && (flags & kShareSignalHandlers) == 0) return Errno::kEINVAL;
  if ((flags & kShareSignalHandlers) != 0 && (flags & kShareMemory) == 0) return Errno::kEINVAL;
  if ((flags & kShareSignalHandlers) != 0 && (flags & kClearSignalHandlers) != 0)
    return Errno::kEINVAL;
  if (arguments.exit_signal > kLastSignal) return Errno::kEINVAL;
  if ((flags & (kNewNamespaces | kPidfd | kIntoCgroup)) != 0) return Errno::kEINVAL;
  if ((flags & kShareMemory) == 0) {
    report_fork();
    return Errno::kENOSYS;
  }
  return {};
}

// Waits until vfork's child has a memory of its own, or none any more.
void wait_for_exec(Process& child) {
  Task& task = current_task();
  child.changed.wait_until([&] {
    return !child.borrows_parent.load(std::memory_order_acquire) ||
           task.must_end.load(std::memory_order_relaxed);
  });
}

Result<long> clone(const CloneArguments& arguments, std::uint64_t stack_pointer) {
  if (const Status status = check(arguments); !status) return status.error();
  Task& parent = current_task();
  const bool as_thread = (arguments.flags & kThread) != 0;
  const TaskId id = allocate_task_id();
  if (id == 0) return Errno::kEAGAIN;

  Ref<Process> process = as_thread ? parent.process : copy_process(arguments, id);
  auto task = Ref<Task>::adopt(new (std::nothrow) Task);
  auto* registers = new (std::nothrow) ApplicationRegisters(call_registers());
  if (!process || !task || registers == nullptr ||
      !create_task_thread(*task, start_copy, registers)) {
    delete registers;
    return Errno::kENOMEM;
  }
  registers->rax = 0;
  if (stack_pointer != 0) registers->rsp = stack_pointer;
  // What the program's low addresses mean (address_space::enter_window).
  task->thread->application.tables = current()->application.tables;
  task->thread->application.fs_base = (arguments.flags & kSetTls) != 0 ? arguments.tls : fs_base();
  task->id = id;
  task->process = process;
  std::memcpy(task->name, parent.name, sizeof task->name);
  task->blocked = parent.blocked;
  task->policy = parent.policy;
  task->priority = parent.priority;
  task->nice = parent.nice;
  // vfork's child runs on its parent's stacks.
  if ((arguments.flags & kVfork) != 0) task->alternate_stack = parent.alternate_stack;
  if ((arguments.flags & kChildClearId) != 0) task->clear_id_address = arguments.child_id;
  // A bad address is the program's loss: the thread is there all the same (as on Linux).
  if ((arguments.flags & kParentSetId) != 0)
    static_cast<void>(store_application(arguments.parent_id, id));
  if ((arguments.flags & kChildSetId) != 0)
    static_cast<void>(store_application(arguments.child_id, id));

  if (!as_thread) insert_process(*process, parent.process.get());
  if (const Status status = start_task(*task); !status) {
    discard_task_thread(*task);
    delete registers;
    return status.error();
  }
  // It may have run and ended by now.
  static_cast<void>(task.leak());
  if ((arguments.flags & kVfork) != 0) wait_for_exec(*process);
  return id;
}

Result<long> call_clone(std::uint64_t flags, std::uint64_t stack, std::uint64_t parent_id,
                        std::uint64_t child_id, std::uint64_t tls) {
  const CloneArguments arguments{.flags = flags & 0xffff'ffff & ~kSignalMask,
                                 .pidfd = parent_id,
                                 .child_id = child_id,
                                 .parent_id = parent_id,
                                 .exit_signal = flags & kSignalMask,
                                 .stack = 0,
                                 .stack_size = 0,
                                 .tls = tls};
  return clone(arguments, stack);
}

Result<long> call_clone3(std::uint64_t address, std::uint64_t size) {
  // With set_tid, set_tid_size and cgroup, which must not be asked for.
  struct {
    CloneArguments first;
    std::uint64_t unsupported[3];
  } given{};
  const CloneArguments& arguments = given.first;
  if (size < sizeof arguments) return Errno::kEINVAL;
  if (size > kLongestArguments) return Errno::kE2BIG;
  const std::size_t length = size < sizeof given ? size : sizeof given;
  if (!is_application_range(address, size) ||
      copy_from_application(&given, address, length) != length)
    return Errno::kEFAULT;
  if ((given.unsupported[0] | given.unsupported[1] | given.unsupported[2]) != 0)
    return Errno::kEINVAL;
  // Nor must later fields, whatever they are.
  for (std::uint64_t at = sizeof given; at + 8 <= size; at += 8) {
    const Result<std::uint64_t> word = load_application<std::uint64_t>(address + at);
    if (!word) return word.error();
    if (*word != 0) return Errno::kE2BIG;
  }
  if ((arguments.flags & kSignalMask) != 0) return Errno::kEINVAL;
  if ((arguments.stack == 0) != (arguments.stack_size == 0)) return Errno::kEINVAL;
  if (!is_application_range(arguments.stack, arguments.stack_size)) return Errno::kEINVAL;
  if ((arguments.flags & kThread) != 0 && arguments.exit_signal != 0) return Errno::kEINVAL;
  return clone(arguments, arguments.stack + arguments.stack_size);
}

Result<long> call_vfork() {
  CloneArguments arguments{};
  arguments.flags = kShareMemory | kVfork;
  arguments.exit_signal = kSigchld;
  return clone(arguments, 0);
}

Result<long> call_fork() {
  report_fork();
  return Errno::kENOSYS;
}

Result<long> call_set_tid_address(std::uint64_t address) {
  current_task().clear_id_address = address;
  return current_task().id;
}

// Restartable sequences are not offered: glibc then asks getcpu where it runs (rseq(2): ENOSYS).
Result<long> call_rseq() { return Errno::kENOSYS; }

LINUX_CALL_WITH_REGISTERS(56, clone, call_clone);
LINUX_CALL_WITH_REGISTERS(435, clone3, call_clone3);
LINUX_CALL_WITH_REGISTERS(58, vfork, call_vfork);
LINUX_CALL(57, fork, call_fork);
LINUX_CALL(218, set_tid_address, call_set_tid_address);
LINUX_CALL(334, rseq, call_rseq);

}  // namespace
}  // namespace plumbline::linux_abi
