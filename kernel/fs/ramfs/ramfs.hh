// A file system in memory: the root, /tmp, /dev, and what memfd_create makes. Like Linux's tmpfs in
// what it allows and how it fails.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/reference.hh"
#include "core/result.hh"
#include "fs/file_system.hh"
#include "fs/vnode.hh"
#include "sync/mutex.hh"

namespace plumbline {

class Ramfs final : public FileSystem {
 public:
  explicit Ramfs(const char* type = "tmpfs") : FileSystem(type) {}
  // Ends all files; none may be in use.
  ~Ramfs();

  // Makes the root directory. kENOMEM.
  Status initialise(std::uint32_t mode = 0755);
  Ref<Vnode> root() const;

  Status statistics(FileSystemStatistics& statistics) override;
  const void* kind() const override { return &kKind; }
  static const char kKind;
  std::uint64_t next_inode() { return next_inode_.fetch_add(1, std::memory_order_relaxed); }

  // Held by whoever changes names, in any directory: a rename touches several.
  Mutex change_lock;

 private:
  std::atomic<std::uint64_t> next_inode_{1};
  Ref<Vnode> root_;
};

// Seals of memfd_create's files (fcntl(2), F_ADD_SEALS).
inline constexpr std::uint32_t kSealSeal = 1, kSealShrink = 2, kSealGrow = 4, kSealWrite = 8,
                               kSealFutureWrite = 16;

// A regular file in memory, for those who fill or seal it.
class RamRegular;
RamRegular* ram_regular_of(Vnode* vnode);
// A file without a name in any directory, which shows as /memfd:NAME. kENOMEM.
Result<Ref<Vnode>> create_memory_file(std::string_view name, std::uint32_t mode,
                                      std::uint32_t seals);
// Kernel side of filling a file from an archive: copies `bytes`, or shows the whole pages of them
// without copying when `lend` (they then stay for ever). The file is empty. kENOMEM.
Status fill_memory_file(Vnode& vnode, std::span<std::byte> bytes, bool lend);
// F_GET_SEALS and F_ADD_SEALS. kEINVAL: no such file; kEPERM: sealed against seals; kEBUSY.
Result<std::uint32_t> memory_file_seals(Vnode& vnode);
Status add_memory_file_seals(Vnode& vnode, std::uint32_t seals);

}  // namespace plumbline
