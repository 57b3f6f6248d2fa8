#include "linux/terminals/job_control.hh"

#include "linux/process_table.hh"
#include "linux/signal/delivery.hh"
#include "linux/signal/signal_numbers.hh"
#include "linux/signal/signals.hh"
#include "linux/task.hh"
#include "linux/terminals/jobs.hh"
#include "linux/terminals/terminal.hh"

namespace plumbline::linux_abi {
namespace {

SignalInformation from_kernel(unsigned signal) { return sent_signal(signal, kCodeKernel, 0, 0); }

// Nobody of the group's session could continue it once it is stopped: no member has a parent in
// another group of the session (POSIX, "orphaned process group"). With the table's lock.
bool is_orphaned(GroupId group) {
  Process* process = nullptr;
  while ((process = table_detail::next_process_locked(process)) != nullptr) {
    if (process->group != group || process->zombie || process->parent == nullptr) continue;
    if (process->parent->group != group && process->parent->session == process->session)
      return false;
  }
  return true;
}

}  // namespace

Caller calling_process() {
  const Process& process = current_process();
  const LockGuard guard(process_table_lock());
  return {process.id, process.group, process.session, process.terminal, process.user};
}

void set_own_terminal(std::uint64_t serial) {
  const LockGuard guard(process_table_lock());
  current_process().terminal = serial;
}

void clear_session_terminal(GroupId session, std::uint64_t serial) {
  for_each_process([&](Process& process) {
    if (process.session == session && process.terminal == serial) process.terminal = 0;
    return true;
  });
}

void signal_group(GroupId group, unsigned signal) {
  if (group == 0) return;
  for_each_process([&](Process& process) {
    if (process.group == group && !process.zombie)
      static_cast<void>(send_signal(process, from_kernel(signal)));
    return true;
  });
}

void signal_session_leader(GroupId session, unsigned signal) {
  const Ref<Process> leader = find_process(session);
  if (leader) static_cast<void>(send_signal(*leader, from_kernel(signal)));
}

Status stop_background(unsigned signal) {
  const Task& task = current_task();
  const Process& process = *task.process;
  bool ignored;
  {
    const LockGuard guard(signal_lock());
    ignored = (task.blocked & signal_bit(signal)) != 0 ||
              process.handlers.actions[signal].handler == kHandlerIgnore;
  }
  if (ignored) return signal == kSIGTTIN ? Status(Errno::kEIO) : Status();
  GroupId group;
  {
    const LockGuard guard(process_table_lock());
    group = process.group;
    if (is_orphaned(group)) return Errno::kEIO;
  }
  signal_group(group, signal);
  return Errno::kRestart;
}

Result<GroupId> session_of_group(GroupId group) {
  Result<GroupId> session = Errno::kESRCH;
  for_each_process([&](const Process& process) {
    if (process.group != group) return true;
    session = process.session;
    return false;
  });
  return session;
}

bool group_is_orphaned(const Process& process) {
  const LockGuard guard(process_table_lock());
  return is_orphaned(process.group);
}

void end_session_of(const Process& process) {
  std::uint64_t serial = 0;
  {
    const LockGuard guard(process_table_lock());
    if (process.session == process.id) serial = process.terminal;
  }
  if (serial == 0) return;
  if (const Ref<Terminal> terminal = Terminal::find_serial(serial)) terminal->hang_up_session();
}

}  // namespace plumbline::linux_abi
