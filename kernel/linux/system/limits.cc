#include "linux/system/limits.hh"

#include "linux/call.hh"
#include "linux/process_table.hh"
#include "memory/application_memory.hh"
#include "memory/pages.hh"

namespace plumbline::linux_abi {
namespace {

// fs.nr_open: RLIMIT_NOFILE cannot exceed it.
constexpr std::uint64_t kMostFiles = DescriptorTable::kMost;

Status check(unsigned resource, const Limit& wanted, const Limit& old) {
  if (wanted.current > wanted.maximum) return Errno::kEINVAL;
  if (resource == kLimitFiles && wanted.maximum > kMostFiles) return Errno::kEPERM;
  // Root may raise the maximum, others may only lower it.
  if (wanted.maximum > old.maximum && current_process().user != 0) return Errno::kEPERM;
  return {};
}

// Exchanges a limit; `wanted` null: only reads.
Status exchange(Process& process, unsigned resource, const Limit* wanted, Limit& old) {
  if (resource >= kLimits) return Errno::kEINVAL;
  // The process table's lock stands in for one of their own: limits change rarely.
  const LockGuard guard(process_table_lock());
  Limit& limit = process.limits[resource];
  old = limit;
  if (wanted == nullptr) return {};
  if (Status status = check(resource, *wanted, old); !status) return status;
  limit = *wanted;
  return {};
}

Status call_getrlimit(unsigned resource, std::uint64_t address) {
  Limit old;
  if (Status status = exchange(current_process(), resource, nullptr, old); !status) return status;
  return store_application(address, old);
}

Status call_setrlimit(unsigned resource, std::uint64_t address) {
  const Result<Limit> wanted = load_application<Limit>(address);
  if (!wanted) return wanted.error();
  Limit old;
  return exchange(current_process(), resource, &*wanted, old);
}

Status call_prlimit64(int id, unsigned resource, std::uint64_t new_address,
                      std::uint64_t old_address) {
  const Ref<Process> process =
      id == 0 ? Ref<Process>::share(&current_process()) : find_process(static_cast<ProcessId>(id));
  if (id < 0 || !process) return Errno::kESRCH;
  Limit wanted{};
  if (new_address != 0) {
    const Result<Limit> given = load_application<Limit>(new_address);
    if (!given) return given.error();
    wanted = *given;
  }
  Limit old;
  if (Status status = exchange(*process, resource, new_address != 0 ? &wanted : nullptr, old);
      !status)
    return status;
  return old_address == 0 ? Status{} : store_application(old_address, old);
}

LINUX_CALL(97, getrlimit, call_getrlimit);
LINUX_CALL(160, setrlimit, call_setrlimit);
LINUX_CALL(302, prlimit64, call_prlimit64);

}  // namespace

void set_initial_limits(Process& process) {
  for (Limit& limit : process.limits) limit = {kNoLimit, kNoLimit};
  process.limits[kLimitStack].current = 8 * kMiB;
  process.limits[kLimitCore].current = 0;
  // What Linux derives from the size of memory: a thread for each 32 KiB at most.
  const std::uint64_t tasks = page_statistics().total_pages / 8;
  process.limits[kLimitProcesses] = process.limits[kLimitPendingSignals] = {tasks, tasks};
  process.limits[kLimitFiles] = {1024, kMostFiles};
  process.limits[kLimitLocked] = {8 * kMiB, 8 * kMiB};
  process.limits[kLimitMessages] = {819'200, 819'200};
  process.limits[kLimitNice] = process.limits[kLimitRealTime] = {0, 0};
}

}  // namespace plumbline::linux_abi
