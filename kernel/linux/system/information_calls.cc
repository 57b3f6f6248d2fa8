// uname(2), sysinfo(2), getrusage(2).
#include <algorithm>
#include <cstring>

#include "core/clock.hh"
#include "linux/call.hh"
#include "linux/process_table.hh"
#include "linux/system/statistics.hh"
#include "linux/system/system_name.hh"
#include "linux/time/cpu_time.hh"
#include "linux/time/timespec.hh"
#include "memory/address_space.hh"
#include "memory/application_memory.hh"
#include "memory/pages.hh"

namespace plumbline::linux_abi {
namespace {

// struct new_utsname.
struct SystemNames {
  char system[65], host[65], release[65], version[65], machine[65], domain[65];
};

template <std::size_t N>
void copy_name(char (&to)[N], const char* from) {
  std::strncpy(to, from, N - 1);
}

Status call_uname(std::uint64_t address) {
  SystemNames names{};
  copy_name(names.system, kSystemName);
  copy_name(names.host, kHostName);
  copy_name(names.release, kRelease);
  copy_name(names.version, kVersion);
  copy_name(names.machine, kMachine);
  copy_name(names.domain, kDomainName);
  return store_application(address, names);
}

// struct sysinfo.
struct SystemInformation {
  std::int64_t uptime;
  std::uint64_t loads[3];
  std::uint64_t total_memory, free_memory, shared_memory, buffer_memory, total_swap, free_swap;
  std::uint16_t processes, padding;
  std::uint64_t total_high, free_high;
  std::uint32_t unit;
};
static_assert(sizeof(SystemInformation) == 112);

Status call_sysinfo(std::uint64_t address) {
  SystemInformation information{};
  information.uptime = static_cast<std::int64_t>(monotonic_now().count / kNanosecondsPerSecond);
  const auto loads = load_averages();
  std::copy(loads.begin(), loads.end(), information.loads);
  const PageStatistics pages = page_statistics();
  information.total_memory = pages.total_pages * kPageSize;
  information.free_memory = pages.free_pages * kPageSize;
  information.processes = static_cast<std::uint16_t>(task_total());
  information.unit = 1;
  return store_application(address, information);
}

// struct rusage: of its fourteen numbers the kernel knows one.
struct ResourceUsage {
  TimeValue user, system;
  std::int64_t most_resident_kib;
  std::int64_t others[13];
};
static_assert(sizeof(ResourceUsage) == 144);

Status call_getrusage(int who, std::uint64_t address) {
  constexpr int kSelf = 0, kChildren = -1, kThread = 1;
  Process& process = current_process();
  ResourceUsage usage{};
  switch (who) {
    case kSelf:
      usage.user = to_timeval(process_cpu_time(process));
      break;
    case kChildren:
      usage.user = to_timeval(children_cpu_time(process));
      break;
    case kThread:
      usage.user = to_timeval(task_cpu_time(current_task()));
      break;
    default:
      return Errno::kEINVAL;
  }
  // What is resident now: the most there has been is not recorded.
  if (who != kChildren) {
    usage.most_resident_kib = static_cast<std::int64_t>(
        address_space::usage(process.memory_owner()).resident_bytes / kKiB);
  }
  return store_application(address, usage);
}

LINUX_CALL(63, uname, call_uname);
LINUX_CALL(98, getrusage, call_getrusage);
LINUX_CALL(99, sysinfo, call_sysinfo);

}  // namespace
}  // namespace plumbline::linux_abi
