// New descriptors for the running process.
#pragma once

#include <algorithm>
#include <new>
#include <utility>

#include "fs/descriptor_table.hh"
#include "linux/process.hh"

namespace plumbline::linux_abi {

// One more than the highest descriptor that the process may have (RLIMIT_NOFILE).
inline int descriptor_limit() {
  constexpr unsigned kLimitFiles = 7;
  return static_cast<int>(std::min<std::uint64_t>(current_process().limits[kLimitFiles].current,
                                                  DescriptorTable::kMost));
}

// Opens the lowest free descriptor for `file`. kEMFILE, kENOMEM.
inline Result<int> install_descriptor(Ref<File> file, bool close_on_exec) {
  return current_process().descriptors->add(std::move(file), close_on_exec, 0, descriptor_limit());
}

// kEBADF, also for what was opened with O_PATH.
inline Result<Ref<File>> find_file(int descriptor) {
  Result<Ref<File>> file = current_process().descriptors->get(descriptor);
  if (file && ((*file)->flags() & kOpenPath) != 0) return Errno::kEBADF;
  return file;
}

// A new file of class T, opened. `arguments` are the constructor's.
template <typename T, typename... Arguments>
Result<int> open_new(bool close_on_exec, Arguments&&... arguments) {
  Ref<File> file = Ref<T>::adopt(new (std::nothrow) T(std::forward<Arguments>(arguments)...));
  if (!file) return Errno::kENOMEM;
  return install_descriptor(std::move(file), close_on_exec);
}

}  // namespace plumbline::linux_abi
