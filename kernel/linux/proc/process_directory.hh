// The directories of /proc/PID.
#pragma once

#include "linux/proc/pseudo_vnode.hh"
#include "linux/proc/subject.hh"

namespace plumbline::linux_abi {

// /proc/PID, or /proc/PID/task/TID. kENOENT: there is no such process or task.
Result<Ref<Vnode>> make_process_directory(FileSystem& file_system, ProcessId id);

// The number a directory's name stands for. kENOENT: none.
Result<std::uint32_t> parse_entry_number(std::string_view name);
// A number as a directory's name.
struct EntryName {
  explicit EntryName(std::uint32_t number);
  std::string_view text() const { return {digits, length}; }
  char digits[12];
  std::size_t length;
};

}  // namespace plumbline::linux_abi
