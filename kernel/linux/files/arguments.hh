// What the calls on files have in common: descriptors and paths as programs name them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>

#include "fs/descriptor_table.hh"
#include "fs/file.hh"
#include "fs/file_system.hh"
#include "fs/path_walk.hh"
#include "linux/process.hh"
#include "linux/system/limits.hh"
#include "linux/task.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {

// Flags of the ...at calls (Linux, include/uapi/linux/fcntl.h).
inline constexpr int kAtWorkingDirectory = -100;  // AT_FDCWD
inline constexpr unsigned kAtNoFollow = 0x100, kAtEaccess = 0x200, kAtRemoveDirectory = 0x200,
                          kAtFollow = 0x400, kAtNoAutomount = 0x800, kAtEmptyPath = 0x1000,
                          kAtStatxSync = 0x6000;

inline DescriptorTable& descriptors() { return *current_task().process->descriptors; }
inline Credentials credentials() {
  const Process& process = current_process();
  return {process.user, process.group_id};
}

// The open file for anything but I/O: also one opened with O_PATH. kEBADF.
inline Result<Ref<File>> file_at(int descriptor) { return descriptors().get(descriptor); }
// kEBADF also for O_PATH.
inline Result<Ref<File>> usable_file(int descriptor) {
  Result<Ref<File>> file = descriptors().get(descriptor);
  if (file && ((*file)->flags() & kOpenPath) != 0) return Errno::kEBADF;
  return file;
}
// kEBADF unless it is open for reading, or writing. Access mode 3 is neither (open(2)).
inline Result<Ref<File>> readable_file(int descriptor) {
  Result<Ref<File>> file = descriptors().get(descriptor);
  if (!file) return file;
  const std::uint32_t access = (*file)->flags() & (kOpenPath | kOpenAccessMask);
  if (access != kOpenReadOnly && access != kOpenReadWrite) return Errno::kEBADF;
  return file;
}
inline Result<Ref<File>> writable_file(int descriptor) {
  Result<Ref<File>> file = descriptors().get(descriptor);
  if (!file) return file;
  const std::uint32_t access = (*file)->flags() & (kOpenPath | kOpenAccessMask);
  if (access != kOpenWriteOnly && access != kOpenReadWrite) return Errno::kEBADF;
  return file;
}

// The file of a read or write, which the caller releases, or null: without the detours of a
// Result<Ref<File>> on the way of every transfer.
[[gnu::always_inline]] inline File* retained_file(int descriptor) {
  return current_task().process.get()->descriptors.get()->get_retained(descriptor);
}

// The caller's part. The compiler would find the count's address once, when it was taken, and keep
// it on the stack all along; so it does not see that this is the same file.
[[gnu::always_inline]] inline void release_file(File* file) {
  asm("" : "+r"(file));
  file->release();
}

// One more than the highest descriptor the process may have (RLIMIT_NOFILE).
int descriptor_limit();
// The process's umask applied.
std::uint32_t masked(std::uint32_t mode);

// A path copied from the program. Most are short; a long one goes to the heap.
class PathArgument {
 public:
  PathArgument() = default;
  ~PathArgument() { delete[] long_; }
  PathArgument(const PathArgument&) = delete;
  PathArgument& operator=(const PathArgument&) = delete;

  // kEFAULT, kENAMETOOLONG, kENOMEM.
  Status copy(std::uint64_t address);
  std::string_view text() const { return text_; }

 private:
  char short_[192];
  char* long_ = nullptr;
  std::string_view text_;
};

// Where a path starts: the root, the working directory or a descriptor's directory. kEBADF,
// kENOTDIR.
Result<Ref<Vnode>> walk_base(int directory, std::string_view path);

// The vnode a call is about: by path, or with kAtEmptyPath and no path the descriptor's.
// kAtNoFollow in `flags`: a last symbolic link itself.
Result<Ref<Vnode>> find_at(int directory, std::uint64_t path, unsigned flags);

// A walk to the last component of a program's path. The directory may be written to.
class LastComponent {
 public:
  // `for_change`: the directory must allow it (kEACCES).
  Status find(int directory, std::uint64_t path);
  PathWalk& walk() { return *reinterpret_cast<PathWalk*>(walk_); }
  LastComponent() = default;
  ~LastComponent() {
    if (made_) walk().~PathWalk();
  }
  LastComponent(const LastComponent&) = delete;
  LastComponent& operator=(const LastComponent&) = delete;

 private:
  PathArgument path_;
  bool made_ = false;
  alignas(PathWalk) std::byte walk_[sizeof(PathWalk)];
};

}  // namespace plumbline::linux_abi
