// Process groups and sessions.
#include "linux/call.hh"
#include "linux/process_table.hh"
#include "linux/task.hh"

namespace plumbline::linux_abi {
namespace {

// 0 means the running process. With the table's lock.
Process* named(int id) {
  return id == 0 ? &current_process() : find_process_locked(static_cast<ProcessId>(id));
}

Result<long> call_getpgid(int id) {
  const LockGuard guard(process_table_lock());
  const Process* process = named(id);
  if (process == nullptr) return Errno::kESRCH;
  return process->group;
}

Result<long> call_getpgrp() { return current_process().group; }

Result<long> call_getsid(int id) {
  const LockGuard guard(process_table_lock());
  const Process* process = named(id);
  if (process == nullptr) return Errno::kESRCH;
  return process->session;
}

Result<long> call_setsid() {
  Process& process = current_process();
  const LockGuard guard(process_table_lock());
  Process* other = nullptr;
  while ((other = table_detail::next_process_locked(other)) != nullptr) {
    if (other->group == process.id) return Errno::kEPERM;
  }
  process.group = process.session = process.id;
  process.terminal = 0;
  return process.id;
}

Status call_setpgid(int id, int group_argument) {
  if (group_argument < 0) return Errno::kEINVAL;
  Process& caller = current_process();
  const LockGuard guard(process_table_lock());
  Process* process = named(id);
  if (process == nullptr || (process != &caller && process->parent != &caller))
    return Errno::kESRCH;
  if (process != &caller) {
    if (process->session != caller.session) return Errno::kEPERM;
    if (process->has_executed) return Errno::kEACCES;
  }
  // A session's leader stays in its group.
  if (process->session == process->id) return Errno::kEPERM;
  const ProcessId group =
      group_argument == 0 ? process->id : static_cast<ProcessId>(group_argument);
  if (group != process->id) {
    bool exists = false;
    Process* other = nullptr;
    while ((other = table_detail::next_process_locked(other)) != nullptr) {
      if (other->group == group && other->session == caller.session) exists = true;
    }
    if (!exists) return Errno::kEPERM;
  }
  process->group = group;
  return {};
}

LINUX_CALL(109, setpgid, call_setpgid);
LINUX_CALL(111, getpgrp, call_getpgrp);
LINUX_CALL(112, setsid, call_setsid);
LINUX_CALL(121, getpgid, call_getpgid);
LINUX_CALL(124, getsid, call_getsid);

}  // namespace
}  // namespace plumbline::linux_abi
