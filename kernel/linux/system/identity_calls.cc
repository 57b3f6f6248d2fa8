// Numbers of processes, tasks, users and groups (credentials(7)).
#include <algorithm>

#include "linux/call.hh"
#include "linux/process_table.hh"
#include "linux/system/process_attributes.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {
namespace {

constexpr std::uint32_t kUnchanged = ~0u;

// Not current_process(): a function that calls none saves no registers (linux/call.hh).
Result<ProcessId> call_getpid() { return current_task().process.get()->id; }
Result<TaskId> call_gettid() { return current_task().id; }
Result<ProcessId> call_getppid() {
  const LockGuard guard(process_table_lock());
  const Process* parent = current_process().parent;
  return parent == nullptr ? 0 : parent->id;
}

// Real, effective and saved number of users or of groups, wherever they are kept.
struct Numbers {
  std::uint32_t& real;
  std::uint32_t& effective;
  std::uint32_t& saved;

  bool has(std::uint32_t number) const {
    return number == kUnchanged || number == real || number == effective || number == saved;
  }
};
Numbers users(Process& process) {
  return {process.identity.real_user, process.user, process.identity.saved_user};
}
Numbers groups(Process& process) {
  return {process.identity.real_group, process.group_id, process.identity.saved_group};
}

// capabilities(7), "Effect of user ID changes on capabilities".
void adjust_capabilities(Process& process, bool was_root_somewhere, bool was_effective_root) {
  Identity& identity = process.identity;
  const bool root_somewhere =
      identity.real_user == 0 || process.user == 0 || identity.saved_user == 0;
  if (was_root_somewhere && !root_somewhere && !process.attributes.keeps_capabilities)
    identity.permitted_capabilities = identity.effective_capabilities = 0;
  if (was_effective_root && process.user != 0) identity.effective_capabilities = 0;
  if (!was_effective_root && process.user == 0)
    identity.effective_capabilities = identity.permitted_capabilities;
}

// Sets what is not kUnchanged. kEPERM: an ordinary user may only choose among those it has.
Status set_numbers(Process& process, Numbers numbers, std::uint32_t real, std::uint32_t effective,
                   std::uint32_t saved) {
  const bool privileged = process.user == 0;
  if (!privileged && (!numbers.has(real) || !numbers.has(effective) || !numbers.has(saved)))
    return Errno::kEPERM;
  const Identity& identity = process.identity;
  const bool was_root = identity.real_user == 0 || process.user == 0 || identity.saved_user == 0;
  if (real != kUnchanged) numbers.real = real;
  if (effective != kUnchanged) numbers.effective = effective;
  if (saved != kUnchanged) numbers.saved = saved;
  adjust_capabilities(process, was_root, privileged);
  return {};
}

// setuid, setgid: root sets all three.
Status set_one(Process& process, Numbers numbers, std::uint32_t number) {
  if (number == kUnchanged) return Errno::kEINVAL;
  if (process.user == 0) return set_numbers(process, numbers, number, number, number);
  return set_numbers(process, numbers, kUnchanged, number, kUnchanged);
}

// setreuid, setregid: the saved number follows the effective one when the real one is set, or the
// effective one to something else than the real one.
Status set_two(Process& process, Numbers numbers, std::uint32_t real, std::uint32_t effective) {
  const std::uint32_t old_real = numbers.real;
  const bool follows = real != kUnchanged || (effective != kUnchanged && effective != old_real);
  const std::uint32_t saved = effective != kUnchanged ? effective : numbers.effective;
  return set_numbers(process, numbers, real, effective, follows ? saved : kUnchanged);
}

Status store_three(Numbers numbers, std::uint64_t real, std::uint64_t effective,
                   std::uint64_t saved) {
  if (Status status = store_application(real, numbers.real); !status) return status;
  if (Status status = store_application(effective, numbers.effective); !status) return status;
  return store_application(saved, numbers.saved);
}

Result<std::uint32_t> call_getuid() { return current_process().identity.real_user; }
Result<std::uint32_t> call_geteuid() { return current_process().user; }
Result<std::uint32_t> call_getgid() { return current_process().identity.real_group; }
Result<std::uint32_t> call_getegid() { return current_process().group_id; }
Status call_setuid(std::uint32_t user) {
  return set_one(current_process(), users(current_process()), user);
}
Status call_setgid(std::uint32_t group) {
  return set_one(current_process(), groups(current_process()), group);
}
Status call_setreuid(std::uint32_t real, std::uint32_t effective) {
  return set_two(current_process(), users(current_process()), real, effective);
}
Status call_setregid(std::uint32_t real, std::uint32_t effective) {
  return set_two(current_process(), groups(current_process()), real, effective);
}
Status call_setresuid(std::uint32_t real, std::uint32_t effective, std::uint32_t saved) {
  return set_numbers(current_process(), users(current_process()), real, effective, saved);
}
Status call_setresgid(std::uint32_t real, std::uint32_t effective, std::uint32_t saved) {
  return set_numbers(current_process(), groups(current_process()), real, effective, saved);
}
Status call_getresuid(std::uint64_t real, std::uint64_t effective, std::uint64_t saved) {
  return store_three(users(current_process()), real, effective, saved);
}
Status call_getresgid(std::uint64_t real, std::uint64_t effective, std::uint64_t saved) {
  return store_three(groups(current_process()), real, effective, saved);
}
// The file system's user is the effective one; both calls return what it was.
Result<std::uint32_t> call_setfsuid(std::uint32_t) { return current_process().user; }
Result<std::uint32_t> call_setfsgid(std::uint32_t) { return current_process().group_id; }

Result<int> call_getgroups(int size, std::uint64_t address) {
  const Identity& identity = current_process().identity;
  const auto count = static_cast<int>(identity.group_count);
  if (size < 0) return Errno::kEINVAL;
  if (size == 0) return count;
  if (size < count) return Errno::kEINVAL;
  const std::size_t bytes = identity.group_count * sizeof(std::uint32_t);
  if (!is_application_range(address, bytes) ||
      copy_to_application(address, identity.groups.data(), bytes) != bytes)
    return Errno::kEFAULT;
  return count;
}

Status call_setgroups(unsigned count, std::uint64_t address) {
  Process& process = current_process();
  if (process.user != 0) return Errno::kEPERM;
  if (count > kMostGroups) return Errno::kEINVAL;
  std::array<std::uint32_t, kMostGroups> wanted{};
  const std::size_t bytes = count * sizeof(std::uint32_t);
  if (!is_application_range(address, bytes) ||
      copy_from_application(wanted.data(), address, bytes) != bytes)
    return Errno::kEFAULT;
  // Sorted, as Linux keeps and shows them.
  std::sort(wanted.begin(), wanted.begin() + count);
  process.identity.groups = wanted;
  process.identity.group_count = count;
  return {};
}

LINUX_CALL(39, getpid, call_getpid);
LINUX_CALL(102, getuid, call_getuid);
LINUX_CALL(104, getgid, call_getgid);
LINUX_CALL(105, setuid, call_setuid);
LINUX_CALL(106, setgid, call_setgid);
LINUX_CALL(107, geteuid, call_geteuid);
LINUX_CALL(108, getegid, call_getegid);
LINUX_CALL(110, getppid, call_getppid);
LINUX_CALL(113, setreuid, call_setreuid);
LINUX_CALL(114, setregid, call_setregid);
LINUX_CALL(115, getgroups, call_getgroups);
LINUX_CALL(116, setgroups, call_setgroups);
LINUX_CALL(117, setresuid, call_setresuid);
LINUX_CALL(118, getresuid, call_getresuid);
LINUX_CALL(119, setresgid, call_setresgid);
LINUX_CALL(120, getresgid, call_getresgid);
LINUX_CALL(122, setfsuid, call_setfsuid);
LINUX_CALL(123, setfsgid, call_setfsgid);
LINUX_CALL(186, gettid, call_gettid);

}  // namespace

void inherit_attributes(Process& child, Process& parent) {
  child.handlers = parent.handlers;
  child.user = parent.user;
  child.group_id = parent.group_id;
  child.identity = parent.identity;
  child.attributes = parent.attributes;
  child.attributes.parent_death_signal = 0;
  child.attributes.child_subreaper = false;
  const LockGuard guard(process_table_lock());
  std::copy(std::begin(parent.limits), std::end(parent.limits), std::begin(child.limits));
}

void reset_attributes_for_exec(Process& process) {
  process.attributes.dumpable = true;
  process.attributes.keeps_capabilities = false;
  process.memory_barriers.store(0, std::memory_order_relaxed);
  Identity& identity = process.identity;
  identity.saved_user = process.user;
  identity.saved_group = process.group_id;
  // capabilities(7): root's programs have all of them.
  const bool root = identity.real_user == 0 || process.user == 0;
  identity.permitted_capabilities = root ? identity.bounding_capabilities : 0;
  identity.effective_capabilities = process.user == 0 ? identity.permitted_capabilities : 0;
}

}  // namespace plumbline::linux_abi
