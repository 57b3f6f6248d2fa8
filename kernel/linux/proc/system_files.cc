// The files of /proc that are about no process (proc(5)).
#include "linux/proc/system_files.hh"

#include <array>

#include "core/clock.hh"
#include "core/format.hh"
#include "core/per_cpu.hh"
#include "drivers/random/random.hh"
#include "linux/proc/cpu_description.hh"
#include "linux/process_table.hh"
#include "linux/system/limits.hh"
#include "linux/system/statistics.hh"
#include "linux/system/system_name.hh"
#include "memory/address_space.hh"
#include "memory/pages.hh"
#include "sched/scheduler.hh"

namespace plumbline::linux_abi {
namespace {

using Number = unsigned long;
constexpr std::uint64_t kTick = 10'000'000;  // nanoseconds; USER_HZ = 100

void print_memory(TextBuffer& text, unsigned) {
  const PageStatistics pages = page_statistics();
  const Number total = pages.total_pages * (kPageSize / kKiB);
  const Number free = pages.free_pages * (kPageSize / kKiB);
  const auto line = [&](const char* name, Number kib) { text.print("%-16s%8lu kB\n", name, kib); };
  line("MemTotal:", total);
  line("MemFree:", free);
  line("MemAvailable:", free);
  line("Buffers:", 0);
  line("Cached:", 0);
  line("SwapCached:", 0);
  line("Active:", total - free);
  line("Inactive:", 0);
  line("SwapTotal:", 0);
  line("SwapFree:", 0);
  line("Dirty:", 0);
  line("Writeback:", 0);
  line("AnonPages:", 0);
  line("Mapped:", 0);
  line("Shmem:", 0);
  line("Slab:", 0);
  line("SReclaimable:", 0);
  line("SUnreclaim:", 0);
  line("CommitLimit:", total);
  line("Committed_AS:", total - free);
  line("VmallocTotal:", 34359738367);
  line("VmallocUsed:", 0);
  line("AnonHugePages:", 0);
  text.print("HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\n");
  text.print(
      "HugePages_Surp:        0\nHugepagesize:       2048 kB\nHugetlb:               0 kB\n");
}

void print_cpus(TextBuffer& text, unsigned) {
  for (unsigned i = 0; i < cpu_count(); ++i)
    print_cpu(text, i, cpu_count(), cpu(i).apic_id, tsc_khz());
}

void print_cpu_times(TextBuffer& text, const char* name, const CpuTimes& times) {
  text.print("%s %lu 0 0 %lu 0 0 0 0 0 0\n", name, Number{times.busy.count / kTick},
             Number{times.idle.count / kTick});
}

void print_statistics(TextBuffer& text, unsigned) {
  CpuTimes sum;
  std::uint64_t interrupts = 0;
  for (unsigned i = 0; i < cpu_count(); ++i) {
    const CpuTimes times = cpu_times(i);
    sum.busy += times.busy;
    sum.idle += times.idle;
    interrupts += cpu(i).interrupt_count;
  }
  print_cpu_times(text, "cpu ", sum);
  for (unsigned i = 0; i < cpu_count(); ++i) {
    std::array<char, 16> name;
    format_text(name, "cpu%u", i);
    print_cpu_times(text, name.data(), cpu_times(i));
  }
  unsigned running = 0;
  for_each_process([&](Process& process) {
    for_each_task_locked(process, [&](const Task& task) {
      running += task.thread->state.load(std::memory_order_relaxed) == ThreadState::kRunning;
      return true;
    });
    return true;
  });
  text.print("intr %lu\nctxt %lu\nbtime %lu\n", Number{interrupts},
             Number{scheduler::statistics().switches},
             Number{wall_clock_at_boot().count / 1'000'000'000});
  text.print("processes %u\nprocs_running %u\nprocs_blocked 0\n", task_total(), running);
  text.print("softirq 0 0 0 0 0 0 0 0 0 0 0\n");
}

void print_load(TextBuffer& text, unsigned) {
  for (const std::uint64_t load : load_averages()) {
    const Number hundredths = (load * 100 + 32768) / 65536;
    text.print("%lu.%02lu ", hundredths / 100, hundredths % 100);
  }
  TaskId last = 0;
  for (Ref<Process> process = next_process(0); process; process = next_process(process->id))
    last = process->id;
  text.print("1/%u %u\n", task_total(), last);
}

void print_uptime(TextBuffer& text, unsigned) {
  Nanoseconds idle;
  for (unsigned i = 0; i < cpu_count(); ++i) idle += cpu_times(i).idle;
  for (const Nanoseconds time : {monotonic_now(), idle}) {
    const Number hundredths = time.count / kTick;
    text.print("%lu.%02lu%c", hundredths / 100, hundredths % 100, time == idle ? '\n' : ' ');
  }
}

void print_version(TextBuffer& text, unsigned) {
  text.print("%s version %s (plumbline) %s\n", kSystemName, kRelease, kVersion);
}

void print_command_line(TextBuffer& text, unsigned) { text.append('\n'); }

void print_file_systems(TextBuffer& text, unsigned) {
  text.append("nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\nnodev\tpipefs\n");
}

// The controllers of control groups: none is enabled.
void print_control_groups(TextBuffer& text, unsigned) {
  text.append("#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
}

void print_devices(TextBuffer& text, unsigned) {
  text.append("Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n\nBlock devices:\n");
}

void print_partitions(TextBuffer& text, unsigned) { text.append("major minor  #blocks  name\n\n"); }

void print_swaps(TextBuffer& text, unsigned) {
  text.append("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
}

// A file that holds one number.
void print_number(TextBuffer& text, unsigned value) { text.print("%u\n", value); }

// Written values that make no difference are taken and forgotten.
Status ignore(std::string_view) { return {}; }

void print_release(TextBuffer& text, unsigned) { text.print("%s\n", kRelease); }
void print_kernel_version(TextBuffer& text, unsigned) { text.print("%s\n", kVersion); }
void print_system_name(TextBuffer& text, unsigned) { text.print("%s\n", kSystemName); }
void print_host_name(TextBuffer& text, unsigned) { text.print("%s\n", kHostName); }
void print_domain_name(TextBuffer& text, unsigned) { text.print("%s\n", kDomainName); }
void print_core_pattern(TextBuffer& text, unsigned) { text.append("core\n"); }
void print_file_counts(TextBuffer& text, unsigned) {
  text.print("0\t0\t%lu\n", Number{~std::uint64_t{0} >> 1});
}
void print_file_limit(TextBuffer& text, unsigned) {
  text.print("%lu\n", Number{~std::uint64_t{0} >> 1});
}
void print_boot_id(TextBuffer& text, unsigned renew) {
  // A random UUID (RFC 9562, version 4): the boot's, or a new one each time.
  static std::array<std::uint64_t, 2> boot{};
  std::array<std::uint64_t, 2> id = boot;
  if (renew != 0 || boot[0] == 0) id = {random_u64(), random_u64()};
  if (renew == 0) boot = id;
  text.print("%08lx-%04lx-4%03lx-%04lx-%012lx\n", Number{id[0] >> 32}, Number{id[0] >> 16 & 0xffff},
             Number{id[0] & 0xfff}, Number{(id[1] >> 48 & 0x3fff) | 0x8000},
             Number{id[1] & 0xffff'ffff'ffff});
}
void print_random_entropy(TextBuffer& text, unsigned) { text.append("256\n"); }
void print_port_range(TextBuffer& text, unsigned) { text.append("32768\t60999\n"); }
void print_unused_ports(TextBuffer& text, unsigned) { text.append("\n"); }

constexpr auto kFiles = std::to_array<TreeEntry>({
    {"cgroups", print_control_groups},
    {"cmdline", print_command_line},
    {"cpuinfo", print_cpus},
    {"devices", print_devices},
    {"filesystems", print_file_systems},
    {"loadavg", print_load},
    {"meminfo", print_memory},
    {"mounts", nullptr, 0, nullptr, "self/mounts"},
    {"partitions", print_partitions},
    {"stat", print_statistics},
    {"swaps", print_swaps},
    {"uptime", print_uptime},
    {"version", print_version},
    {"sys/fs/file-max", print_file_limit, 0, ignore},
    {"sys/fs/file-nr", print_file_counts},
    {"sys/fs/nr_open", print_number, DescriptorTable::kMost, ignore},
    {"sys/fs/pipe-max-size", print_number, 1 << 20, ignore},
    {"sys/fs/inotify/max_queued_events", print_number, 16384, ignore},
    {"sys/fs/inotify/max_user_instances", print_number, 128, ignore},
    {"sys/fs/inotify/max_user_watches", print_number, 65536, ignore},
    {"sys/fs/mqueue/msg_max", print_number, 10, ignore},
    {"sys/kernel/cap_last_cap", print_number, kLastCapability},
    {"sys/kernel/core_pattern", print_core_pattern, 0, ignore},
    {"sys/kernel/domainname", print_domain_name},
    {"sys/kernel/hostname", print_host_name},
    {"sys/kernel/ngroups_max", print_number, kMostGroups},
    {"sys/kernel/numa_balancing", print_number, 0, ignore},
    {"sys/kernel/osrelease", print_release},
    {"sys/kernel/ostype", print_system_name},
    {"sys/kernel/perf_event_paranoid", print_number, 3, ignore},
    {"sys/kernel/pid_max", print_number, 1 << 22, ignore},
    {"sys/kernel/random/boot_id", print_boot_id, 0},
    {"sys/kernel/random/entropy_avail", print_random_entropy},
    {"sys/kernel/random/uuid", print_boot_id, 1},
    {"sys/kernel/randomize_va_space", print_number, 0, ignore},
    {"sys/kernel/sched_autogroup_enabled", print_number, 0, ignore},
    {"sys/kernel/threads-max", print_number, 65536, ignore},
    {"sys/kernel/version", print_kernel_version},
    {"sys/kernel/yama/ptrace_scope", print_number, 1, ignore},
    {"sys/net/core/netdev_max_backlog", print_number, 1000, ignore},
    {"sys/net/core/rmem_max", print_number, 212'992, ignore},
    {"sys/net/core/somaxconn", print_number, 4096, ignore},
    {"sys/net/core/wmem_max", print_number, 212'992, ignore},
    {"sys/net/ipv4/ip_local_port_range", print_port_range, 0, ignore},
    {"sys/net/ipv4/ip_local_reserved_ports", print_unused_ports, 0, ignore},
    {"sys/net/ipv4/ip_unprivileged_port_start", print_number, 1024, ignore},
    {"sys/net/ipv4/tcp_max_syn_backlog", print_number, 512, ignore},
    {"sys/vm/max_map_count", print_number, 65530, ignore},
    {"sys/vm/mmap_min_addr", print_number, 65536},
    {"sys/vm/nr_hugepages", print_number, 0, ignore},
    {"sys/vm/overcommit_memory", print_number, 1, ignore},
    {"sys/vm/overcommit_ratio", print_number, 50, ignore},
    {"sys/vm/swappiness", print_number, 60, ignore},
});

}  // namespace

std::span<const TreeEntry> system_files() { return kFiles; }

}  // namespace plumbline::linux_abi
