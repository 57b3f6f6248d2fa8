// Affinity, and the policies and priorities that programs ask for: they are kept and told, and all
// threads run in turn.
#include <bit>

#include "core/per_cpu.hh"
#include "linux/call.hh"
#include "linux/process_table.hh"
#include "linux/task.hh"
#include "memory/application_memory.hh"
#include "sched/scheduler.hh"
#include "sched/thread.hh"

namespace plumbline::linux_abi {
namespace {

// SCHED_NORMAL, FIFO, RR, BATCH, IDLE (Linux, include/uapi/linux/sched.h).
constexpr int kNormal = 0, kFirstComeFirstServed = 1, kRoundRobin = 2, kBatch = 3, kIdle = 5;
constexpr int kResetOnFork = 0x4000'0000;
constexpr bool is_realtime(int policy) {
  return policy == kFirstComeFirstServed || policy == kRoundRobin;
}
constexpr bool is_policy(int policy) { return policy >= kNormal && policy <= kIdle && policy != 4; }
constexpr int kHighestPriority = 99;

// The program's mask has a bit for each CPU, in whole words.
std::uint64_t existing_cpus() {
  return cpu_count() == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << cpu_count()) - 1;
}

Ref<Task> task_named(int id) {
  if (id == 0) return Ref<Task>::share(&current_task());
  return find_task(static_cast<TaskId>(id));
}

Status call_sched_setaffinity(int id, unsigned length, std::uint64_t address) {
  std::uint64_t mask = 0;
  const std::size_t size = length < sizeof mask ? length : sizeof mask;
  if (!is_application_range(address, size) || copy_from_application(&mask, address, size) != size)
    return Errno::kEFAULT;
  mask &= existing_cpus();
  const Ref<Task> task = task_named(id);
  if (!task) return Errno::kESRCH;
  if (mask == 0) return Errno::kEINVAL;
  if (task.get() == &current_task()) {
    scheduler::set_allowed_cpus(*current(), mask);
    return {};
  }
  // The thread stays as long as the task is in the table.
  const LockGuard guard(process_table_lock());
  if (task->thread == nullptr) return Errno::kESRCH;
  scheduler::set_allowed_cpus(*task->thread, mask);
  return {};
}

Result<long> call_sched_getaffinity(int id, unsigned length, std::uint64_t address) {
  constexpr unsigned kSize = sizeof(std::uint64_t);
  if (length < kSize || length % kSize != 0) return Errno::kEINVAL;
  std::uint64_t mask;
  {
    const Ref<Task> task = task_named(id);
    const LockGuard guard(process_table_lock());
    if (!task || task->thread == nullptr) return Errno::kESRCH;
    mask = task->thread->allowed_cpus & existing_cpus();
  }
  if (const Status status = store_application(address, mask); !status) return status.error();
  return kSize;
}

Status call_sched_yield() {
  yield();
  return {};
}

Result<long> call_getcpu(std::uint64_t cpu_address, std::uint64_t node_address) {
  const std::uint32_t index = this_cpu().index;
  if (cpu_address != 0) {
    if (const Status status = store_application(cpu_address, index); !status) return status.error();
  }
  if (node_address != 0) {
    if (const Status status = store_application<std::uint32_t>(node_address, 0); !status)
      return status.error();
  }
  return 0;
}

Status set_policy(int id, int policy, std::uint64_t parameter_address) {
  if (id < 0 || parameter_address == 0) return Errno::kEINVAL;
  const Result<std::int32_t> priority = load_application<std::int32_t>(parameter_address);
  if (!priority) return priority.error();
  const Ref<Task> task = task_named(id);
  if (!task) return Errno::kESRCH;
  if (policy < 0) policy = task->policy;
  policy &= ~kResetOnFork;
  if (!is_policy(policy)) return Errno::kEINVAL;
  if (is_realtime(policy) ? *priority < 1 || *priority > kHighestPriority : *priority != 0)
    return Errno::kEINVAL;
  task->policy = policy;
  task->priority = *priority;
  return {};
}

Status call_sched_setscheduler(int id, int policy, std::uint64_t parameter_address) {
  if (policy < 0) return Errno::kEINVAL;
  return set_policy(id, policy, parameter_address);
}

Status call_sched_setparam(int id, std::uint64_t parameter_address) {
  return set_policy(id, -1, parameter_address);
}

Result<long> call_sched_getscheduler(int id) {
  if (id < 0) return Errno::kEINVAL;
  const Ref<Task> task = task_named(id);
  if (!task) return Errno::kESRCH;
  return task->policy;
}

Status call_sched_getparam(int id, std::uint64_t parameter_address) {
  if (id < 0 || parameter_address == 0) return Errno::kEINVAL;
  const Ref<Task> task = task_named(id);
  if (!task) return Errno::kESRCH;
  return store_application<std::int32_t>(parameter_address, task->priority);
}

Result<long> call_sched_get_priority_max(int policy) {
  if (!is_policy(policy)) return Errno::kEINVAL;
  return is_realtime(policy) ? kHighestPriority : 0;
}

Result<long> call_sched_get_priority_min(int policy) {
  if (!is_policy(policy)) return Errno::kEINVAL;
  return is_realtime(policy) ? 1 : 0;
}

Status call_sched_rr_get_interval(int id, std::uint64_t address) {
  if (id < 0) return Errno::kEINVAL;
  const Ref<Task> task = task_named(id);
  if (!task) return Errno::kESRCH;
  // The slice, whatever the policy; 0 for one that would run until it blocks.
  struct {
    std::int64_t seconds, nanoseconds;
  } interval{0, task->policy == kFirstComeFirstServed ? 0 : 4'000'000};
  return store_application(address, interval);
}

// getpriority and setpriority: for a task, a group of processes, or a user.
enum Which : int { kProcess = 0, kGroup = 1, kUser = 2 };

template <typename Visit>
Status visit_tasks(int which, int who, Visit visit) {
  bool any = false;
  if (which == kProcess) {
    const Ref<Task> task = task_named(who);
    if (!task) return Errno::kESRCH;
    visit(*task);
    return {};
  }
  if (which != kGroup && which != kUser) return Errno::kEINVAL;
  const Process& caller = current_process();
  const auto wanted = static_cast<std::uint32_t>(who);
  for_each_process([&](Process& process) {
    const bool matches = which == kGroup ? process.group == (who == 0 ? caller.group : wanted)
                                         : process.user == (who == 0 ? caller.user : wanted);
    if (!matches) return true;
    for_each_task_locked(process, [&](Task& task) {
      any = true;
      visit(task);
      return true;
    });
    return true;
  });
  return any ? Status() : Status(Errno::kESRCH);
}

Result<long> call_getpriority(int which, int who) {
  int least = 20;
  if (const Status status = visit_tasks(
          which, who, [&](Task& task) { least = task.nice < least ? task.nice : least; });
      !status)
    return status.error();
  // The call's result is never negative; the library turns it round again.
  return 20 - least;
}

Status call_setpriority(int which, int who, int nice) {
  const int bounded = nice < -20 ? -20 : nice > 19 ? 19 : nice;
  return visit_tasks(which, who, [&](Task& task) { task.nice = bounded; });
}

LINUX_CALL(24, sched_yield, call_sched_yield);
LINUX_CALL(140, getpriority, call_getpriority);
LINUX_CALL(141, setpriority, call_setpriority);
LINUX_CALL(142, sched_setparam, call_sched_setparam);
LINUX_CALL(143, sched_getparam, call_sched_getparam);
LINUX_CALL(144, sched_setscheduler, call_sched_setscheduler);
LINUX_CALL(145, sched_getscheduler, call_sched_getscheduler);
LINUX_CALL(146, sched_get_priority_max, call_sched_get_priority_max);
LINUX_CALL(147, sched_get_priority_min, call_sched_get_priority_min);
LINUX_CALL(148, sched_rr_get_interval, call_sched_rr_get_interval);
LINUX_CALL(203, sched_setaffinity, call_sched_setaffinity);
LINUX_CALL(204, sched_getaffinity, call_sched_getaffinity);
LINUX_CALL(309, getcpu, call_getcpu);

}  // namespace
}  // namespace plumbline::linux_abi
