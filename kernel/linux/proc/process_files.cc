#include "linux/proc/process_files.hh"

#include <algorithm>
#include <array>
#include <cstring>

#include "fs/file_system.hh"
#include "linux/proc/pseudo_vnode.hh"
#include "linux/system/limits.hh"

namespace plumbline::linux_abi {
namespace {

using Number = unsigned long;

Status print_comm(const Subject& subject, TextBuffer& text) {
  if (subject.task) text.append(std::string_view(subject.task->name));
  text.append('\n');
  return {};
}

Status store_comm(const Subject& subject, std::string_view text) {
  if (!subject.task) return Errno::kESRCH;
  std::array<char, sizeof subject.task->name> name{};
  // With a newline at its end, if one was written, as on Linux.
  std::memcpy(name.data(), text.data(), std::min(text.size(), name.size() - 1));
  std::memcpy(subject.task->name, name.data(), name.size());
  return {};
}

Status print_stat_file(const Subject& subject, TextBuffer& text) {
  print_stat(text, snapshot(subject));
  return {};
}
Status print_statm_file(const Subject& subject, TextBuffer& text) {
  print_statm(text, snapshot(subject));
  return {};
}
Status print_status_file(const Subject& subject, TextBuffer& text) {
  print_status(text, snapshot(subject));
  return {};
}

Status print_cmdline(const Subject& subject, TextBuffer& text) {
  Process& process = *subject.process;
  const LockGuard guard(process.fs_lock);
  text.append({process.arguments, process.arguments_length});
  return {};
}

// As it was at the start.
Status print_environment(const Subject& subject, TextBuffer& text) {
  Process& process = *subject.process;
  const LockGuard guard(process.fs_lock);
  text.append({process.environment, process.environment_length});
  return {};
}

Status print_auxiliary_vector(const Subject& subject, TextBuffer& text) {
  Process& process = *subject.process;
  const LockGuard guard(process.fs_lock);
  text.append({process.auxiliary_vector, process.auxiliary_length});
  return {};
}

Status print_mounts_file(const Subject&, TextBuffer& text) {
  print_mounts(text);
  return {};
}
Status print_mountinfo_file(const Subject&, TextBuffer& text) {
  print_mount_information(text);
  return {};
}

// One hierarchy, version 2, of which everything is the root.
Status print_cgroup(const Subject&, TextBuffer& text) {
  text.append("0::/\n");
  return {};
}

struct LimitName {
  const char* name;
  const char* unit;
};
constexpr std::array<LimitName, kLimits> kLimitNames = {{
    {"Max cpu time", "seconds"},
    {"Max file size", "bytes"},
    {"Max data size", "bytes"},
    {"Max stack size", "bytes"},
    {"Max core file size", "bytes"},
    {"Max resident set", "bytes"},
    {"Max processes", "processes"},
    {"Max open files", "files"},
    {"Max locked memory", "bytes"},
    {"Max address space", "bytes"},
    {"Max file locks", "locks"},
    {"Max pending signals", "signals"},
    {"Max msgqueue size", "bytes"},
    {"Max nice priority", ""},
    {"Max realtime priority", ""},
    {"Max realtime timeout", "us"},
}};

void print_limit(TextBuffer& text, std::uint64_t value) {
  if (value == kNoLimit) {
    text.print("%-20s ", "unlimited");
  } else {
    text.print("%-20lu ", Number{value});
  }
}

Status print_limits(const Subject& subject, TextBuffer& text) {
  text.print("%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
  for (unsigned i = 0; i < kLimits; ++i) {
    const Limit& limit = subject.process->limits[i];
    text.print("%-25s ", kLimitNames[i].name);
    print_limit(text, limit.current);
    print_limit(text, limit.maximum);
    text.print("%-10s\n", kLimitNames[i].unit);
  }
  return {};
}

Status print_oom_score(const Subject& subject, TextBuffer& text) {
  // 0 to 2000 as Linux weighs them: nothing is ever chosen here.
  text.print("%d\n", std::clamp(666 + subject.process->attributes.oom_score_adjustment, 0, 2000));
  return {};
}
Status print_oom_score_adjustment(const Subject& subject, TextBuffer& text) {
  text.print("%d\n", subject.process->attributes.oom_score_adjustment);
  return {};
}
Status store_oom_score_adjustment(const Subject& subject, std::string_view text) {
  const Result<long> value = parse_written_number(text);
  if (!value || *value < -1000 || *value > 1000) return Errno::kEINVAL;
  subject.process->attributes.oom_score_adjustment = static_cast<int>(*value);
  return {};
}

Status print_coredump_filter(const Subject& subject, TextBuffer& text) {
  text.print("%08x\n", subject.process->attributes.coredump_filter);
  return {};
}
Status store_coredump_filter(const Subject& subject, std::string_view text) {
  const Result<long> value = parse_written_number(text);
  if (!value || *value < 0) return Errno::kEINVAL;
  subject.process->attributes.coredump_filter = static_cast<std::uint32_t>(*value);
  return {};
}

Status print_personality(const Subject& subject, TextBuffer& text) {
  text.print("%08x\n", subject.process->attributes.personality);
  return {};
}

Status print_timer_slack(const Subject& subject, TextBuffer& text) {
  text.print("%lu\n", Number{subject.process->attributes.timer_slack});
  return {};
}

Status print_wait_channel(const Subject&, TextBuffer& text) {
  text.append('0');
  return {};
}

Status print_io(const Subject&, TextBuffer& text) {
  for (const char* name :
       {"rchar", "wchar", "syscr", "syscw", "read_bytes", "write_bytes", "cancelled_write_bytes"})
    text.print("%s: 0\n", name);
  return {};
}

constexpr auto kFiles = std::to_array<ProcessFile>({
    {"status", print_status_file},
    {"personality", print_personality, nullptr, 0400},
    {"limits", print_limits},
    {"environ", print_environment, nullptr, 0400},
    {"comm", print_comm, store_comm, 0644},
    {"cmdline", print_cmdline},
    {"stat", print_stat_file},
    {"statm", print_statm_file},
    {"maps", print_maps},
    {"smaps", print_smaps},
    {"smaps_rollup", print_smaps_rollup},
    {"mounts", print_mounts_file},
    {"mountinfo", print_mountinfo_file},
    {"auxv", print_auxiliary_vector, nullptr, 0400},
    {"wchan", print_wait_channel},
    {"cgroup", print_cgroup},
    {"oom_score", print_oom_score},
    {"oom_score_adj", print_oom_score_adjustment, store_oom_score_adjustment, 0644},
    {"coredump_filter", print_coredump_filter, store_coredump_filter, 0644},
    {"timerslack_ns", print_timer_slack},
    {"io", print_io, nullptr, 0400},
});

Ref<Vnode> executable(const Subject& subject) {
  Process& process = *subject.process;
  const LockGuard guard(process.fs_lock);
  return process.executable;
}
Ref<Vnode> working_directory(const Subject& subject) {
  Process& process = *subject.process;
  const LockGuard guard(process.fs_lock);
  return process.working_directory;
}
Ref<Vnode> root(const Subject&) { return root_vnode(); }

constexpr auto kLinks = std::to_array<ProcessLink>({
    {"cwd", working_directory},
    {"root", root},
    {"exe", executable},
});

}  // namespace

std::span<const ProcessFile> process_files() { return kFiles; }
std::span<const ProcessLink> process_links() { return kLinks; }

}  // namespace plumbline::linux_abi
