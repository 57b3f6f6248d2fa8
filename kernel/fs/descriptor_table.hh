// File descriptors of a process.
#pragma once

#include <cstdint>

#include "core/reference.hh"
#include "core/result.hh"
#include "fs/file.hh"
#include "sync/mutex.hh"

namespace plumbline {

// Shared by the threads of a process (and by vfork's child until it closes or opens, for which it
// gets a copy). Grows up to the limit given.
class DescriptorTable : public ReferenceCounted {
 public:
  static constexpr int kMost = 1 << 20;

  explicit DescriptorTable(std::uint32_t process) : process_(process) {}
  ~DescriptorTable() override;

  // The file, with a reference. kEBADF.
  Result<Ref<File>> get(int descriptor);
  // The lowest free descriptor from `from` on, below `limit`. kEMFILE, kENOMEM, kEINVAL.
  Result<int> add(Ref<File> file, bool close_on_exec, int from = 0, int limit = 1024 * 1024);
  // Makes `descriptor` refer to `file`, closing what was there (dup2, dup3).
  Status replace(int descriptor, Ref<File> file, bool close_on_exec);
  Status close(int descriptor);
  // close_range(2): closes, or marks close-on-exec, all in [first, last].
  void close_range(unsigned first, unsigned last, bool only_mark);
  Result<bool> close_on_exec(int descriptor);
  Status set_close_on_exec(int descriptor, bool value);
  // execve: closes those so marked.
  void close_marked();
  // A copy for another process. kENOMEM.
  Result<Ref<DescriptorTable>> copy(std::uint32_t process);
  // The next descriptor in use from `from` on, or -1. For /proc/self/fd.
  int next(int from);

 private:
  struct Entry {
    File* file = nullptr;
    bool close_on_exec = false;
  };
  Mutex lock_;
  Entry* entries_ = nullptr;
  int capacity_ = 0;
  const std::uint32_t process_;
};

}  // namespace plumbline
