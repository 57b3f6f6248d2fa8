#include "linux/proc/subject.hh"

#include <algorithm>

#include "arch/x86_64/application.hh"
#include "core/clock.hh"
#include "linux/signal/delivery.hh"
#include "linux/signal/signal_numbers.hh"
#include "linux/system/limits.hh"
#include "linux/terminals/terminal.hh"
#include "linux/time/cpu_time.hh"
#include "memory/address_space.hh"

namespace plumbline::linux_abi {
namespace {

char task_state(const Task& task) {
  return task.thread->state.load(std::memory_order_relaxed) == ThreadState::kRunning ? 'R' : 'S';
}

// With the process table's lock: threads are there while their tasks are in the list.
void add_tasks(ProcessSnapshot& snapshot, const Subject& subject) {
  Process& process = *subject.process;
  snapshot.parent = process.parent == nullptr ? 0 : process.parent->id;
  snapshot.process_group = process.group;
  snapshot.session = process.session;
  snapshot.tasks = process.task_count.load(std::memory_order_relaxed);
  snapshot.exit_status = process.zombie ? process.exit_status : 0;
  snapshot.state = 'S';
  if (subject.task && subject.task->member_hook.linked()) {
    snapshot.state = task_state(*subject.task);
    snapshot.cpu = subject.task->thread->cpu;
  }
  if (process.stopped.load(std::memory_order_relaxed)) snapshot.state = 'T';
  if (process.zombie || snapshot.tasks == 0) snapshot.state = 'Z';
}

void add_terminal(ProcessSnapshot& snapshot, const Process& process) {
  std::uint64_t serial;
  {
    const LockGuard guard(process_table_lock());
    serial = process.terminal;
  }
  if (serial == 0) return;
  const Ref<Terminal> terminal = Terminal::find_serial(serial);
  if (!terminal) return;
  snapshot.terminal_device = terminal->device();
  snapshot.terminal_group = static_cast<int>(terminal->foreground());
}

void add_signals(ProcessSnapshot& snapshot, const Subject& subject) {
  const LockGuard guard(signal_lock());
  Process& process = *subject.process;
  if (subject.task) {
    snapshot.pending = subject.task->pending.mask;
    snapshot.blocked = subject.task->blocked;
  }
  snapshot.process_pending = process.pending.mask;
  for (unsigned signal = 1; signal <= kSignals; ++signal) {
    const SignalAction& action = process.handlers.actions[signal];
    if (action.handler == kHandlerIgnore) snapshot.ignored |= signal_bit(signal);
    if (action.handler > kHandlerIgnore) snapshot.caught |= signal_bit(signal);
  }
  snapshot.queued = queued_signals();
  snapshot.pending_limit = process.limits[kLimitPendingSignals].current;
}

void add_identity(ProcessSnapshot& snapshot, const Process& process) {
  const Identity& identity = process.identity;
  snapshot.real_user = identity.real_user;
  snapshot.user = process.user;
  snapshot.saved_user = identity.saved_user;
  snapshot.real_group = identity.real_group;
  snapshot.group_id = process.group_id;
  snapshot.saved_group = identity.saved_group;
  snapshot.groups = identity.groups.data();
  snapshot.group_count = identity.group_count;
  snapshot.inheritable = identity.inheritable_capabilities;
  snapshot.permitted = identity.permitted_capabilities;
  snapshot.effective = identity.effective_capabilities;
  snapshot.bounding = identity.bounding_capabilities;
  snapshot.no_new_privileges = process.attributes.no_new_privileges;
  snapshot.huge_pages_disabled = process.attributes.huge_pages_disabled;
}

void add_memory(ProcessSnapshot& snapshot, const Process& process) {
  if (process.memory_owner() == 0) return;
  const auto visit = [](void* context, const AreaDescription& area) {
    auto& into = *static_cast<ProcessSnapshot*>(context);
    const std::uint64_t size = area.end - area.begin;
    const std::uint64_t resident = area.resident_pages * kPageSize;
    into.mapped_bytes += size;
    into.resident_bytes += resident;
    if (area.object != nullptr && (area.protection & kProtectWrite) == 0)
      into.shared_bytes += resident;
    if (area.name != nullptr && std::string_view(area.name) == "[stack]") {
      into.stack_bytes += size;
      into.stack_begin = area.end;
    } else if ((area.protection & kProtectExecute) != 0) {
      into.text_bytes += size;
    } else if ((area.protection & kProtectWrite) != 0 && !area.shared) {
      into.data_bytes += size;
    }
    return true;
  };
  address_space::for_each_area(process.memory_owner(), visit, &snapshot);
}

}  // namespace

ProcessSnapshot snapshot(const Subject& subject) {
  ProcessSnapshot result;
  Process& process = *subject.process;
  result.id = subject.whole ? process.id : subject.task->id;
  result.group = process.id;
  result.cpus = cpu_count();
  {
    const LockGuard guard(process_table_lock());
    add_tasks(result, subject);
  }
  if (subject.task) {
    result.name = subject.task->name;
    result.nice = subject.task->nice;
    result.priority = subject.task->priority;
    result.policy = subject.task->policy;
  }
  result.cpu_time =
      subject.whole || !subject.task ? process_cpu_time(process) : task_cpu_time(*subject.task);
  if (subject.whole) result.children_cpu_time = children_cpu_time(process);
  add_terminal(result, *subject.process);
  add_signals(result, subject);
  add_identity(result, process);
  add_memory(result, process);
  result.resident_limit = process.limits[kLimitResident].current;
  result.break_begin = process.break_begin;
  result.umask = process.umask;
  result.descriptors = 64;
  return result;
}

}  // namespace plumbline::linux_abi
