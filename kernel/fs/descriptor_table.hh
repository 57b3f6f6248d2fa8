// File descriptors of a process.
#pragma once

#include <cstdint>

#include "core/reference.hh"
#include "core/result.hh"
#include "fs/file.hh"
#include "sync/lock_guard.hh"
#include "sync/spinlock.hh"

namespace plumbline {

// Shared by the threads of a process (and by vfork's child until it closes or opens, for which it
// gets a copy). Grows up to the limit given.
class DescriptorTable : public ReferenceCounted {
 public:
  static constexpr int kMost = 1 << 20;

  explicit DescriptorTable(std::uint32_t process) : process_(process) {}
  ~DescriptorTable() override;

  // The file, with a reference. kEBADF. On nearly every call's path: one lock for a few
  // instructions, no sleep.
  Result<Ref<File>> get(int descriptor) {
    File* const file = get_retained(descriptor);
    if (file == nullptr) return Errno::kEBADF;
    return Ref<File>::adopt(file);
  }
  // The same as a pointer that the caller releases; null for what is not open. Not with interrupts
  // masked, so not with a spinlock.
  File* get_retained(int descriptor) {
    const auto index = static_cast<unsigned>(descriptor);
    lock_.lock_unmasked();
    if (index < static_cast<unsigned>(capacity_)) [[likely]] {
      if (File* const file = entries_[index].file; file != nullptr) [[likely]] {
        file->retain();
        lock_.unlock_unmasked();
        return file;
      }
    }
    lock_.unlock_unmasked();
    return nullptr;
  }
  // The lowest free descriptor from `from` on, below `limit`. kEMFILE, kENOMEM, kEINVAL.
  Result<int> add(Ref<File> file, bool close_on_exec, int from = 0, int limit = 1024 * 1024);
  // Makes `descriptor` refer to `file`, closing what was there (dup2, dup3). kEBADF: it is not
  // below `limit`; kENOMEM.
  Status replace(int descriptor, Ref<File> file, bool close_on_exec, int limit = kMost);
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
  // Makes room for `descriptor`. Takes the lock itself. False when memory is short.
  bool grow(int descriptor);
  // With the lock: takes a file out.
  File* take_out(int descriptor);
  // Without the lock: what close(2) does with a file besides.
  void finish_close(File* file);

  Spinlock lock_;
  Entry* entries_ = nullptr;
  int capacity_ = 0;
  int first_free_ = 0;  // all below are in use
  const std::uint32_t process_;
};

}  // namespace plumbline
