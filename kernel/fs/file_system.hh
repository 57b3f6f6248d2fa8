// A file system: what its vnodes have in common, and where it is mounted.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/reference.hh"
#include "core/result.hh"

namespace plumbline {

class Vnode;

// What statfs(2) tells.
struct FileSystemStatistics {
  std::uint64_t type = 0;  // Linux, include/uapi/linux/magic.h
  std::uint64_t block_size = 4096;
  std::uint64_t blocks = 0, blocks_free = 0, blocks_available = 0;
  std::uint64_t files = 0, files_free = 0;
};

class FileSystem {
 public:
  // `type` as /proc/mounts names it: "tmpfs", "proc".
  explicit FileSystem(const char* type);
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;

  const char* type() const { return type_; }
  // st_dev of its files.
  std::uint64_t device() const { return device_; }
  virtual Status statistics(FileSystemStatistics& statistics) = 0;
  // Tells the classes apart: the address of something static to the class.
  virtual const void* kind() const { return nullptr; }

 protected:
  ~FileSystem() = default;

 private:
  const char* const type_;
  const std::uint64_t device_;
};

// Makes `root` appear in place of `directory`, for good. kENOTDIR; kEBUSY: something is mounted
// there; kENOMEM: too many mounts.
Status mount(Vnode& directory, Ref<Vnode> root);

// The vnode of "/", set once.
void set_root(Ref<Vnode> root);
const Ref<Vnode>& root_vnode();

// The mount with this index, the root's first; null beyond the last. For /proc/mounts.
Vnode* mounted_root(unsigned index);

}  // namespace plumbline
