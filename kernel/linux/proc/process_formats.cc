#include "linux/proc/process_formats.hh"

#include <array>

namespace plumbline::linux_abi {
namespace {

using Number = unsigned long;

constexpr Number kTickNanoseconds = 10'000'000;  // USER_HZ = 100

Number ticks(Nanoseconds time) { return time.count / kTickNanoseconds; }
Number kib(std::uint64_t bytes) { return bytes / kKiB; }
Number pages(std::uint64_t bytes) { return bytes / kPageSize; }

const char* state_name(char state) {
  switch (state) {
    case 'R':
      return "R (running)";
    case 'T':
      return "T (stopped)";
    case 'Z':
      return "Z (zombie)";
    default:
      return "S (sleeping)";
  }
}

}  // namespace

void print_stat(TextBuffer& text, const ProcessSnapshot& process) {
  // Fields as numbered in proc(5); those that the kernel does not know are 0.
  text.print("%u (%.*s) %c %u %u %u %lu %d 4194304 ", process.id,
             static_cast<int>(process.name.size()), process.name.data(), process.state,
             process.parent, process.process_group, process.session,
             Number{process.terminal_device}, process.terminal_group);  // 1-9
  text.print("0 0 0 0 %lu 0 %lu 0 ", ticks(process.cpu_time),           // 10-17
             ticks(process.children_cpu_time));
  text.print("%d %d %u 0 %lu ", 20 + process.nice, process.nice, process.tasks,  // 18-22
             ticks(process.started));
  text.print("%lu %lu %lu ", Number{process.mapped_bytes}, pages(process.resident_bytes),
             Number{process.resident_limit});               // 23-25
  text.print("0 0 %lu 0 0 ", Number{process.stack_begin});  // 26-30
  text.print("%lu %lu %lu %lu ", Number{process.pending & 0x7fff'ffff},
             Number{process.blocked & 0x7fff'ffff}, Number{process.ignored & 0x7fff'ffff},
             Number{process.caught & 0x7fff'ffff});  // 31-34
  text.print("%d 0 0 17 %u %d %d ", process.state == 'S' ? 1 : 0, process.cpu,
             process.policy == 0 ? 0 : process.priority, process.policy);  // 35-41
  text.print("0 0 0 0 0 %lu 0 0 0 0 %d\n", Number{process.break_begin},
             process.exit_status);  // 42-52
}

void print_statm(TextBuffer& text, const ProcessSnapshot& process) {
  text.print("%lu %lu %lu %lu 0 %lu 0\n", pages(process.mapped_bytes),
             pages(process.resident_bytes), pages(process.shared_bytes), pages(process.text_bytes),
             pages(process.data_bytes + process.stack_bytes));
}

namespace {

void print_memory(TextBuffer& text, const ProcessSnapshot& process) {
  const Number mapped = kib(process.mapped_bytes), resident = kib(process.resident_bytes);
  const Number shared = kib(process.shared_bytes);
  text.print("VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t       0 kB\nVmPin:\t       0 kB\n",
             mapped, mapped);
  text.print("VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\n", resident, resident);
  text.print("RssAnon:\t%8lu kB\nRssFile:\t%8lu kB\nRssShmem:\t       0 kB\n",
             resident > shared ? resident - shared : 0, shared);
  text.print("VmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\nVmLib:\t       0 kB\n",
             kib(process.data_bytes), kib(process.stack_bytes), kib(process.text_bytes));
  text.print("VmPTE:\t       0 kB\nVmSwap:\t       0 kB\nHugetlbPages:\t       0 kB\n");
  text.print("CoreDumping:\t0\nTHP_enabled:\t%d\n", process.huge_pages_disabled ? 0 : 1);
}

void print_signals(TextBuffer& text, const ProcessSnapshot& process) {
  text.print("SigQ:\t%lu/%lu\n", Number{process.queued}, Number{process.pending_limit});
  text.print("SigPnd:\t%016lx\nShdPnd:\t%016lx\n", Number{process.pending},
             Number{process.process_pending});
  text.print("SigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n", Number{process.blocked},
             Number{process.ignored}, Number{process.caught});
}

}  // namespace

void print_status(TextBuffer& text, const ProcessSnapshot& process) {
  text.print("Name:\t%.*s\n", static_cast<int>(process.name.size()), process.name.data());
  if (process.state != 'Z') text.print("Umask:\t%04o\n", process.umask);
  text.print("State:\t%s\nTgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\nTracerPid:\t0\n",
             state_name(process.state), process.group, process.id, process.parent);
  text.print("Uid:\t%u\t%u\t%u\t%u\n", process.real_user, process.user, process.saved_user,
             process.user);
  text.print("Gid:\t%u\t%u\t%u\t%u\n", process.real_group, process.group_id, process.saved_group,
             process.group_id);
  text.print("FDSize:\t%u\nGroups:\t", process.descriptors);
  for (std::uint32_t i = 0; i < process.group_count; ++i) text.print("%u ", process.groups[i]);
  text.print("\nNStgid:\t%u\nNSpid:\t%u\nNSpgid:\t%u\nNSsid:\t%u\n", process.group, process.id,
             process.process_group, process.session);
  if (process.state != 'Z') print_memory(text, process);
  text.print("Threads:\t%u\n", process.tasks);
  print_signals(text, process);
  text.print("CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\n",
             Number{process.inheritable}, Number{process.permitted}, Number{process.effective},
             Number{process.bounding});
  text.print("CapAmb:\t%016lx\nNoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n", Number{0},
             process.no_new_privileges ? 1 : 0);
  text.print("Speculation_Store_Bypass:\tnot vulnerable\n");
  text.print("SpeculationIndirectBranch:\talways enabled\n");
  text.print("Cpus_allowed:\t%x\nCpus_allowed_list:\t", (1u << process.cpus) - 1);
  text.print(process.cpus == 1 ? "0\n" : "0-%u\n", process.cpus - 1);
  text.print("Mems_allowed:\t1\nMems_allowed_list:\t0\n");
  text.print("voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n");
}

void print_map(TextBuffer& text, const MapLine& line) {
  // Names begin in column 73 (Linux, fs/proc/task_mmu.c).
  constexpr std::size_t kNameColumn = 73;
  const std::size_t start = text.length();
  text.print("%08lx-%08lx %c%c%c%c %08lx %02lx:%02lx %lu ", Number{line.begin}, Number{line.end},
             line.read ? 'r' : '-', line.write ? 'w' : '-', line.execute ? 'x' : '-',
             line.shared ? 's' : 'p', Number{line.offset}, Number{line.device >> 8},
             Number{line.device & 0xff}, Number{line.inode});
  if (!line.name.empty()) {
    text.pad_from(start, kNameColumn);
    text.append(line.name);
  }
  text.append('\n');
}

void print_usage(TextBuffer& text, const MapLine& line, const MapUsage& usage) {
  struct Field {
    const char* name;
    std::uint64_t bytes;
  };
  const bool dirty = usage.anonymous || line.write;
  const std::uint64_t resident = usage.resident;
  const std::array<Field, 20> fields = {{
      {"Size:", usage.size},
      {"KernelPageSize:", kPageSize},
      {"MMUPageSize:", kPageSize},
      {"Rss:", resident},
      {"Pss:", resident},
      {"Shared_Clean:", !usage.anonymous && !dirty ? resident : 0},
      {"Shared_Dirty:", !usage.anonymous && dirty ? resident : 0},
      {"Private_Clean:", 0},
      {"Private_Dirty:", usage.anonymous ? resident : 0},
      {"Referenced:", resident},
      {"Anonymous:", usage.anonymous ? resident : 0},
      {"LazyFree:", 0},
      {"AnonHugePages:", usage.huge},
      {"ShmemPmdMapped:", 0},
      {"FilePmdMapped:", 0},
      {"Shared_Hugetlb:", 0},
      {"Private_Hugetlb:", 0},
      {"Swap:", 0},
      {"SwapPss:", 0},
      {"Locked:", 0},
  }};
  for (const Field& field : fields) text.print("%-16s%8lu kB\n", field.name, kib(field.bytes));
  text.print("THPeligible:    %d\n", usage.anonymous ? 1 : 0);
  text.print("VmFlags:%s%s%s%s mr mw me\n", line.read ? " rd" : "", line.write ? " wr" : "",
             line.execute ? " ex" : "", line.shared ? " sh" : "");
}

}  // namespace plumbline::linux_abi
