// wait4 and waitid.
#include "core/clock.hh"
#include "linux/call.hh"
#include "linux/events/descriptors.hh"
#include "linux/process_table.hh"
#include "linux/signal/process_descriptor.hh"
#include "linux/task.hh"
#include "linux/threads/child_status.hh"
#include "memory/application_memory.hh"
#include "sync/interruptible_wait.hh"

namespace plumbline::linux_abi {
namespace {

// Options (Linux, include/uapi/linux/wait.h).
constexpr unsigned kNoHang = 1, kStopped = 2, kExited = 4, kContinued = 8, kNoReap = 0x0100'0000,
                   kNoThread = 0x2000'0000, kAll = 0x4000'0000, kClone = 0x8000'0000;
constexpr int kSigchld = 17;

struct Wanted {
  enum class Kind : std::uint8_t { kAny, kProcess, kGroup } kind = Kind::kAny;
  ProcessId id = 0;
  unsigned options = 0;
  // P_PIDFD: this one, whoever has its number by now.
  Ref<Process> process = {};

  bool matches(const Process& child) const {
    if (kind == Kind::kProcess && child.id != id) return false;
    if (process && process.get() != &child) return false;
    if (kind == Kind::kGroup && child.group != id) return false;
    if ((options & kAll) != 0) return true;
    return (child.exit_signal != kSigchld) == ((options & kClone) != 0);
  }
};

struct Found {
  ProcessId id = 0;  // 0: there is nothing to tell yet
  std::uint32_t user = 0;
  int status = 0;
  std::uint64_t ticks = 0;
};

// The status that a child which stopped or goes on has for who wants to know, or 0.
int take_job_status(Process& child, unsigned options) {
  int status = child.job_status.load(std::memory_order_relaxed);
  if (status == 0) return 0;
  if ((options & (is_stopped_status(status) ? kStopped : kContinued)) == 0) return 0;
  // It may change at any time: then there is something else to tell.
  if ((options & kNoReap) == 0 &&
      !child.job_status.compare_exchange_strong(status, 0, std::memory_order_relaxed))
    return 0;
  return status;
}

// kECHILD: no child matches. A child that has ended is taken away unless kNoReap.
Result<Found> look(Process& parent, const Wanted& wanted) {
  Found found;
  Ref<Process> taken;
  {
    const LockGuard guard(process_table_lock());
    bool any = false;
    for (ProcessLinks& links : parent.children) {
      auto& child = static_cast<Process&>(links);
      if (!wanted.matches(child)) continue;
      any = true;
      if (!child.zombie) {
        if (const int status = take_job_status(child, wanted.options); status != 0) {
          found = {child.id, child.user, status, child.ended_ticks + child.children_ticks};
          break;
        }
        continue;
      }
      if ((wanted.options & kExited) == 0) continue;
      found = {child.id, child.user, child.exit_status, child.ended_ticks + child.children_ticks};
      if ((wanted.options & kNoReap) == 0) {
        parent.children_ticks += found.ticks;
        remove_process_locked(child);
        // The table's reference.
        taken = Ref<Process>::adopt(&child);
      }
      break;
    }
    if (!any) return Errno::kECHILD;
  }
  return found;
}

Result<Found> wait_for_child(const Wanted& wanted) {
  Process& parent = current_process();
  Result<Found> result = Found{};
  const auto done = [&] {
    result = look(parent, wanted);
    return !result || (*result).id != 0;
  };
  if ((wanted.options & kNoHang) != 0) {
    done();
    return result;
  }
  if (const Status status = wait_interruptibly(parent.changed, done); !status)
    return status.error();
  return result;
}

// struct rusage: times, and fourteen numbers of which none is known here.
struct ResourceUsage {
  std::int64_t user_seconds, user_microseconds, system_seconds, system_microseconds;
  std::int64_t others[14];
};
static_assert(sizeof(ResourceUsage) == 144);

Status store_usage(std::uint64_t address, const Found& found) {
  if (address == 0) return {};
  ResourceUsage usage{};
  const std::uint64_t us = tsc_to_nanoseconds(found.ticks).count / 1000;
  usage.user_seconds = static_cast<std::int64_t>(us / 1'000'000);
  usage.user_microseconds = static_cast<std::int64_t>(us % 1'000'000);
  return store_application(address, usage);
}

Result<long> call_wait4(int id, std::uint64_t status_address, unsigned options,
                        std::uint64_t usage_address) {
  if ((options & ~(kNoHang | kStopped | kContinued | kNoThread | kAll | kClone)) != 0)
    return Errno::kEINVAL;
  Wanted wanted{Wanted::Kind::kAny, 0, options | kExited};
  if (id == static_cast<int>(0x8000'0000)) return Errno::kESRCH;
  if (id > 0) {
    wanted.kind = Wanted::Kind::kProcess;
    wanted.id = static_cast<ProcessId>(id);
  } else if (id != -1) {
    wanted.kind = Wanted::Kind::kGroup;
    wanted.id = id == 0 ? current_process().group : static_cast<ProcessId>(-id);
  }
  const Result<Found> found = wait_for_child(wanted);
  if (!found) return found.error();
  if ((*found).id == 0) return 0;
  if (status_address != 0) {
    if (const Status status = store_application(status_address, (*found).status); !status)
      return status.error();
  }
  if (const Status status = store_usage(usage_address, *found); !status) return status.error();
  return (*found).id;
}

// The process of a descriptor of processes (pidfd_open(2)); such a descriptor may ask not to wait.
Status read_descriptor(std::uint32_t id, Wanted& wanted, bool& nonblocking) {
  if (static_cast<int>(id) < 0) return Errno::kEINVAL;
  const Result<Ref<File>> file = find_file(static_cast<int>(id));
  if (!file) return file.error();
  if ((*file)->kind() != &ProcessDescriptor::kKind) return Errno::kEBADF;
  Result<Ref<Process>> process = ProcessDescriptor::of(**file);
  if (!process) return process.error();
  wanted.kind = Wanted::Kind::kAny;
  wanted.process = std::move(*process);
  nonblocking = (*file)->nonblocking() && (wanted.options & kNoHang) == 0;
  return {};
}

Result<Wanted> read_wanted(unsigned kind, std::uint32_t id, unsigned options, bool& nonblocking) {
  if ((options &
       ~(kNoHang | kStopped | kExited | kContinued | kNoReap | kNoThread | kAll | kClone)) != 0 ||
      (options & (kStopped | kExited | kContinued)) == 0)
    return Errno::kEINVAL;
  Wanted wanted{Wanted::Kind::kAny, id, options};
  // P_ALL, P_PID, P_PGID, P_PIDFD.
  if (kind == 3) {
    if (const Status status = read_descriptor(id, wanted, nonblocking); !status)
      return status.error();
    if (nonblocking) wanted.options |= kNoHang;
  } else if (kind == 1) {
    if (id == 0) return Errno::kEINVAL;
    wanted.kind = Wanted::Kind::kProcess;
  } else if (kind == 2) {
    wanted.kind = Wanted::Kind::kGroup;
    if (id == 0) wanted.id = current_process().group;
  } else if (kind != 0) {
    return Errno::kEINVAL;
  }
  return wanted;
}

Result<long> call_waitid(unsigned kind, std::uint32_t id, std::uint64_t information_address,
                         unsigned options, std::uint64_t usage_address) {
  bool nonblocking = false;
  const Result<Wanted> wanted = read_wanted(kind, id, options, nonblocking);
  Result<Found> found = wanted ? wait_for_child(*wanted) : Result<Found>(wanted.error());
  if (found && (*found).id == 0 && nonblocking) found = Errno::kEAGAIN;
  if (found && (*found).id != 0) {
    if (const Status status = store_usage(usage_address, *found); !status) return status.error();
  }
  // As on Linux, what the call learnt is written even if that is nothing, and a bad address is the
  // error that the program sees. Only these fields are written.
  struct {
    std::int32_t signal, error, code, padding;
    std::uint32_t process, user;
    std::int32_t status;
  } information{};
  if (found && (*found).id != 0) {
    const ChildStatus status = describe_status((*found).status);
    information = {kSigchld, 0, status.code, 0, (*found).id, (*found).user, status.status};
  }
  const bool interrupted = !found && found.error() == Errno::kRestart;
  if (information_address != 0 && !interrupted) {
    if (const Status status = store_application(information_address, information); !status)
      return status.error();
  }
  if (!found) return found.error();
  return 0;
}

LINUX_CALL(61, wait4, call_wait4);
LINUX_CALL(247, waitid, call_waitid);

}  // namespace
}  // namespace plumbline::linux_abi
