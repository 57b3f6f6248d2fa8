// What stat(2) tells of a file.
#pragma once

#include <cstdint>

namespace plumbline {

// Types in a mode (inode(7)).
inline constexpr std::uint32_t kModeTypeMask = 0170000, kModeSocket = 0140000,
                               kModeSymbolicLink = 0120000, kModeRegular = 0100000,
                               kModeBlockDevice = 0060000, kModeDirectory = 0040000,
                               kModeCharacterDevice = 0020000, kModeFifo = 0010000;

// Seconds since 1970-01-01 UTC, and nanoseconds below a second.
struct FileTime {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
};

struct Attributes {
  std::uint64_t device = 0;  // as st_dev: major << 8 | minor for small numbers
  std::uint64_t inode = 0;
  std::uint32_t mode = 0;  // type and permissions
  std::uint32_t links = 1;
  std::uint32_t user = 0, group = 0;
  std::uint64_t special_device = 0;  // st_rdev of a device file
  std::uint64_t size = 0;            // bytes
  std::uint32_t block_size = 4096;   // for efficient transfers
  std::uint64_t blocks = 0;          // of 512 bytes
  FileTime accessed, modified, changed, created;
};

// The device numbers of files without a file system: pipes, sockets, event descriptors.
inline constexpr std::uint64_t kPipeDevice = 13, kSocketDevice = 8, kAnonymousDevice = 14;

// The next number for an inode of such a file.
std::uint64_t next_anonymous_inode();

}  // namespace plumbline
