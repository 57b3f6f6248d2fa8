// The files of /sys that programs read: processors, their memory node, huge pages, the clock.
#include <array>
#include <new>

#include "core/clock.hh"
#include "core/format.hh"
#include "core/per_cpu.hh"
#include "linux/proc/system_files.hh"
#include "memory/pages.hh"

namespace plumbline::linux_abi {
namespace {

using Number = unsigned long;

// All CPUs as a list: "0" or "0-3".
void print_cpu_list(TextBuffer& text, unsigned) {
  text.print(cpu_count() == 1 ? "0\n" : "0-%u\n", cpu_count() - 1);
}
void print_cpu_mask(TextBuffer& text, unsigned) { text.print("%x\n", (1u << cpu_count()) - 1); }
void print_one_cpu(TextBuffer& text, unsigned cpu) { text.print("%u\n", cpu); }
void print_one_mask(TextBuffer& text, unsigned cpu) { text.print("%x\n", 1u << cpu); }
void print_most_cpu(TextBuffer& text, unsigned) { text.print("%u\n", kMaxCpus - 1); }
void print_nothing(TextBuffer& text, unsigned) { text.append("\n"); }
void print_number(TextBuffer& text, unsigned value) { text.print("%u\n", value); }
void print_frequency(TextBuffer& text, unsigned) { text.print("%lu\n", Number{tsc_khz()}); }
void print_tsc(TextBuffer& text, unsigned) { text.append("tsc\n"); }
void print_tsc_list(TextBuffer& text, unsigned) { text.append("tsc \n"); }
void print_huge_pages(TextBuffer& text, unsigned) { text.append("always [madvise] never\n"); }
void print_huge_defragmentation(TextBuffer& text, unsigned) {
  text.append("always defer defer+madvise [madvise] never\n");
}
void print_huge_size(TextBuffer& text, unsigned) { text.print("%zu\n", kLargePageSize); }
void print_node_memory(TextBuffer& text, unsigned) {
  const PageStatistics pages = page_statistics();
  text.print("Node 0 MemTotal:       %8zu kB\n", pages.total_pages * (kPageSize / kKiB));
  text.print("Node 0 MemFree:        %8zu kB\n", pages.free_pages * (kPageSize / kKiB));
}
Status ignore(std::string_view) { return {}; }

// All of one kind for each CPU: devices/system/cpu/cpuN/...
struct CpuFile {
  const char* path;
  void (*generate)(TextBuffer&, unsigned);
};
constexpr auto kCpuFiles = std::to_array<CpuFile>({
    {"topology/core_id", print_one_cpu},
    {"topology/core_cpus_list", print_one_cpu},
    {"topology/core_siblings", print_cpu_mask},
    {"topology/core_siblings_list", print_cpu_list},
    {"topology/physical_package_id", [](TextBuffer& text, unsigned) { print_number(text, 0); }},
    {"topology/thread_siblings", print_one_mask},
    {"topology/thread_siblings_list", print_one_cpu},
    {"cpufreq/cpuinfo_max_freq", print_frequency},
    {"cpufreq/scaling_cur_freq", print_frequency},
    {"cpufreq/scaling_max_freq", print_frequency},
});

constexpr auto kFiles = std::to_array<TreeEntry>({
    {"devices/system/clocksource/clocksource0/available_clocksource", print_tsc_list},
    {"devices/system/clocksource/clocksource0/current_clocksource", print_tsc, 0, ignore},
    {"devices/system/cpu/isolated", print_nothing},
    {"devices/system/cpu/kernel_max", print_most_cpu},
    {"devices/system/cpu/offline", print_nothing},
    {"devices/system/cpu/online", print_cpu_list},
    {"devices/system/cpu/possible", print_cpu_list},
    {"devices/system/cpu/present", print_cpu_list},
    {"devices/system/node/has_cpu", print_number, 0},
    {"devices/system/node/node0/cpulist", print_cpu_list},
    {"devices/system/node/node0/cpumap", print_cpu_mask},
    {"devices/system/node/node0/distance", print_number, 10},
    {"devices/system/node/node0/meminfo", print_node_memory},
    {"devices/system/node/online", print_number, 0},
    {"devices/system/node/possible", print_number, 0},
    {"kernel/mm/hugepages/hugepages-2048kB/free_hugepages", print_number, 0},
    {"kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", print_number, 0, ignore},
    {"kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", print_number, 0},
    {"kernel/mm/transparent_hugepage/defrag", print_huge_defragmentation, 0, ignore},
    {"kernel/mm/transparent_hugepage/enabled", print_huge_pages, 0, ignore},
    {"kernel/mm/transparent_hugepage/hpage_pmd_size", print_huge_size},
    {"kernel/mm/transparent_hugepage/shmem_enabled", print_huge_pages, 0, ignore},
    {"fs/cgroup/"},
});

}  // namespace

std::span<const TreeEntry> sysfs_files() {
  constexpr std::size_t kLongest = 80;
  const std::size_t count = kFiles.size() + cpu_count() * kCpuFiles.size();
  auto* entries = new (std::nothrow) TreeEntry[count];
  auto* paths = new (std::nothrow) char[cpu_count() * kCpuFiles.size()][kLongest];
  if (entries == nullptr || paths == nullptr) {
    delete[] entries;
    delete[] paths;
    return {};
  }
  std::size_t at = 0;
  for (const TreeEntry& entry : kFiles) entries[at++] = entry;
  for (unsigned i = 0; i < cpu_count(); ++i) {
    for (const CpuFile& file : kCpuFiles) {
      char* path = paths[at - kFiles.size()];
      const std::size_t length =
          format_text({path, kLongest}, "devices/system/cpu/cpu%u/%s", i, file.path);
      entries[at++] = {{path, length}, file.generate, i};
    }
  }
  return {entries, count};
}

}  // namespace plumbline::linux_abi
