// The lines of /proc/PID, from what they tell to their text (proc(5)). Portable.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/units.hh"
#include "linux/proc/text_buffer.hh"

namespace plumbline::linux_abi {

// 'R' running or ready, 'S' waiting, 'T' stopped, 'Z' ended and not waited for.
struct ProcessSnapshot {
  std::uint32_t id = 0;     // of the process or task that the file is about
  std::uint32_t group = 0;  // Tgid: the process's
  std::string_view name;
  char state = 'S';
  std::uint32_t parent = 0, process_group = 0, session = 0;
  // The controlling terminal: its device number, and the group in front; 0 and -1: none.
  std::uint64_t terminal_device = 0;
  int terminal_group = -1;
  std::uint32_t real_user = 0, user = 0, saved_user = 0;
  std::uint32_t real_group = 0, group_id = 0, saved_group = 0;
  const std::uint32_t* groups = nullptr;
  std::uint32_t group_count = 0;
  Nanoseconds cpu_time, children_cpu_time, started;
  std::uint32_t tasks = 0;
  int priority = 0, nice = 0, policy = 0;
  std::uint64_t mapped_bytes = 0, resident_bytes = 0, data_bytes = 0, stack_bytes = 0,
                text_bytes = 0, shared_bytes = 0;
  std::uint64_t resident_limit = ~std::uint64_t{0};
  std::uint64_t stack_begin = 0, break_begin = 0;
  std::uint64_t pending = 0, process_pending = 0, blocked = 0, ignored = 0, caught = 0;
  std::uint64_t pending_limit = 0, queued = 0;
  unsigned cpu = 0, cpus = 1;
  int exit_status = 0;
  std::uint64_t inheritable = 0, permitted = 0, effective = 0, bounding = 0;
  bool no_new_privileges = false, huge_pages_disabled = false;
  std::uint32_t umask = 0, descriptors = 0;
};

void print_stat(TextBuffer& text, const ProcessSnapshot& process);
void print_statm(TextBuffer& text, const ProcessSnapshot& process);
void print_status(TextBuffer& text, const ProcessSnapshot& process);

// A line of /proc/PID/maps.
struct MapLine {
  std::uint64_t begin = 0, end = 0, offset = 0, inode = 0, device = 0;
  bool read = false, write = false, execute = false, shared = false;
  std::string_view name;
};
void print_map(TextBuffer& text, const MapLine& line);
// What smaps adds to it.
struct MapUsage {
  std::uint64_t size = 0, resident = 0;
  // Of `resident`: changed by nobody else (anonymous) or the object's.
  bool anonymous = false;
  std::uint64_t huge = 0;
};
void print_usage(TextBuffer& text, const MapLine& line, const MapUsage& usage);

}  // namespace plumbline::linux_abi
