// stat and its relatives, access, readlink, statfs.
#include <algorithm>
#include <memory>
#include <string_view>

#include "linux/call.hh"
#include "linux/files/arguments.hh"

namespace plumbline::linux_abi {
namespace {

// struct stat of x86-64 (Linux, arch/x86/include/uapi/asm/stat.h).
struct LinuxStat {
  std::uint64_t device, inode, links;
  std::uint32_t mode, user, group, padding;
  std::uint64_t special_device;
  std::int64_t size, block_size, blocks;
  std::int64_t accessed, accessed_nanoseconds;
  std::int64_t modified, modified_nanoseconds;
  std::int64_t changed, changed_nanoseconds;
  std::int64_t reserved[3];
};
static_assert(sizeof(LinuxStat) == 144);

Status store_stat(const Attributes& attributes, std::uint64_t address) {
  const LinuxStat stat{
      .device = attributes.device,
      .inode = attributes.inode,
      .links = attributes.links,
      .mode = attributes.mode,
      .user = attributes.user,
      .group = attributes.group,
      .padding = 0,
      .special_device = attributes.special_device,
      .size = static_cast<std::int64_t>(attributes.size),
      .block_size = attributes.block_size,
      .blocks = static_cast<std::int64_t>(attributes.blocks),
      .accessed = attributes.accessed.seconds,
      .accessed_nanoseconds = attributes.accessed.nanoseconds,
      .modified = attributes.modified.seconds,
      .modified_nanoseconds = attributes.modified.nanoseconds,
      .changed = attributes.changed.seconds,
      .changed_nanoseconds = attributes.changed.nanoseconds,
      .reserved = {},
  };
  return store_application(address, stat);
}

// The attributes of what a path or a descriptor names. Only the latter may have no vnode.
Status attributes_at(int directory, std::uint64_t path, unsigned flags, Attributes& attributes) {
  if ((flags & kAtEmptyPath) != 0 && directory >= 0) {
    // fstat of glibc comes this way: an empty path needs no walk.
    const Result<char> first = load_application<char>(path);
    if (!first) return first.error();
    if (*first == '\0') {
      const Result<Ref<File>> file = file_at(directory);
      return file ? (*file)->stat(attributes) : Status(file.error());
    }
  }
  const Result<Ref<Vnode>> vnode = find_at(directory, path, flags);
  return vnode ? (*vnode)->attributes(attributes) : Status(vnode.error());
}

Status call_newfstatat(int directory, std::uint64_t path, std::uint64_t result, unsigned flags) {
  if ((flags & ~(kAtNoFollow | kAtNoAutomount | kAtEmptyPath | kAtStatxSync)) != 0)
    return Errno::kEINVAL;
  Attributes attributes;
  if (const Status status = attributes_at(directory, path, flags, attributes); !status)
    return status;
  return store_stat(attributes, result);
}
LINUX_CALL(262, newfstatat, call_newfstatat);

Status call_stat(std::uint64_t path, std::uint64_t result) {
  return call_newfstatat(kAtWorkingDirectory, path, result, 0);
}
LINUX_CALL(4, stat, call_stat);

Status call_lstat(std::uint64_t path, std::uint64_t result) {
  return call_newfstatat(kAtWorkingDirectory, path, result, kAtNoFollow);
}
LINUX_CALL(6, lstat, call_lstat);

Status call_fstat(int descriptor, std::uint64_t result) {
  const Result<Ref<File>> file = file_at(descriptor);
  if (!file) return file.error();
  Attributes attributes;
  if (const Status status = (*file)->stat(attributes); !status) return status;
  return store_stat(attributes, result);
}
LINUX_CALL(5, fstat, call_fstat);

// struct statx (include/uapi/linux/stat.h).
struct StatxTime {
  std::int64_t seconds;
  std::uint32_t nanoseconds;
  std::int32_t reserved;
};
struct LinuxStatx {
  std::uint32_t mask, block_size;
  std::uint64_t attributes;
  std::uint32_t links, user, group;
  std::uint16_t mode, spare;
  std::uint64_t inode, size, blocks, attributes_mask;
  StatxTime accessed, created, changed, modified;
  std::uint32_t special_major, special_minor, device_major, device_minor;
  std::uint64_t mount;
  std::uint32_t memory_alignment, offset_alignment;
  std::uint64_t spare2[12];
};
static_assert(sizeof(LinuxStatx) == 256);

constexpr std::uint32_t major_of(std::uint64_t device) {
  return static_cast<std::uint32_t>(device >> 8) & 0xfff;
}
constexpr std::uint32_t minor_of(std::uint64_t device) {
  return static_cast<std::uint32_t>((device & 0xff) | ((device >> 12) & 0xfff00));
}
StatxTime statx_time(const FileTime& time) { return {time.seconds, time.nanoseconds, 0}; }

Status call_statx(int directory, std::uint64_t path, unsigned flags, unsigned mask,
                  std::uint64_t result) {
  constexpr unsigned kReserved = 0x8000'0000, kBasicStats = 0x7ff, kBirthTime = 0x800;
  if ((mask & kReserved) != 0 || (flags & kAtStatxSync) == kAtStatxSync) return Errno::kEINVAL;
  if ((flags & ~(kAtNoFollow | kAtNoAutomount | kAtEmptyPath | kAtStatxSync)) != 0)
    return Errno::kEINVAL;
  Attributes attributes;
  if (const Status status = attributes_at(directory, path, flags, attributes); !status)
    return status;
  LinuxStatx statx{};
  statx.mask = kBasicStats | kBirthTime;
  statx.block_size = attributes.block_size;
  statx.links = attributes.links;
  statx.user = attributes.user;
  statx.group = attributes.group;
  statx.mode = static_cast<std::uint16_t>(attributes.mode);
  statx.inode = attributes.inode;
  statx.size = attributes.size;
  statx.blocks = attributes.blocks;
  statx.accessed = statx_time(attributes.accessed);
  statx.created = statx_time(attributes.created);
  statx.changed = statx_time(attributes.changed);
  statx.modified = statx_time(attributes.modified);
  statx.special_major = major_of(attributes.special_device);
  statx.special_minor = minor_of(attributes.special_device);
  statx.device_major = major_of(attributes.device);
  statx.device_minor = minor_of(attributes.device);
  return store_application(result, statx);
}
LINUX_CALL(332, statx, call_statx);

Status check_access(int directory, std::uint64_t path, unsigned mode, unsigned flags) {
  if ((mode & ~(kMayRead | kMayWrite | kMayExecute)) != 0) return Errno::kEINVAL;
  if ((flags & ~(kAtEaccess | kAtNoFollow | kAtEmptyPath)) != 0) return Errno::kEINVAL;
  const Result<Ref<Vnode>> vnode = find_at(directory, path, flags);
  if (!vnode) return vnode.error();
  return mode == 0 ? Status() : check_permission(**vnode, credentials(), mode);
}

Status call_access(std::uint64_t path, unsigned mode) {
  return check_access(kAtWorkingDirectory, path, mode, 0);
}
LINUX_CALL(21, access, call_access);

Status call_faccessat(int directory, std::uint64_t path, unsigned mode) {
  return check_access(directory, path, mode, 0);
}
LINUX_CALL(269, faccessat, call_faccessat);
LINUX_CALL(439, faccessat2, check_access);

Result<std::size_t> call_readlinkat(int directory, std::uint64_t path, std::uint64_t buffer,
                                    int size) {
  if (size <= 0) return Errno::kEINVAL;
  // Without a path: the link that an O_PATH descriptor stands for.
  const Result<Ref<Vnode>> vnode = find_at(directory, path, kAtNoFollow | kAtEmptyPath);
  if (!vnode) return vnode.error();
  if ((*vnode)->type() != kModeSymbolicLink) {
    const Result<char> first = load_application<char>(path);
    return first && *first == '\0' ? Errno::kENOENT : Errno::kEINVAL;
  }
  const auto store = [&](std::string_view text) -> Result<std::size_t> {
    const std::size_t length = std::min(text.size(), static_cast<std::size_t>(size));
    if (!is_application_range(buffer, length) ||
        copy_to_application(buffer, text.data(), length) != length)
      return Errno::kEFAULT;
    return length;
  };
  if (const std::string_view text = (*vnode)->link_text(); !text.empty()) return store(text);
  const std::unique_ptr<char[]> text(new (std::nothrow) char[kLongestPath]);
  if (text == nullptr) return Errno::kENOMEM;
  const Result<std::size_t> length = (*vnode)->read_link({text.get(), kLongestPath});
  if (!length) return length.error();
  return store({text.get(), *length});
}
LINUX_CALL(267, readlinkat, call_readlinkat);

Result<std::size_t> call_readlink(std::uint64_t path, std::uint64_t buffer, int size) {
  if (size <= 0) return Errno::kEINVAL;
  return call_readlinkat(kAtWorkingDirectory, path, buffer, size);
}
LINUX_CALL(89, readlink, call_readlink);

// struct statfs (include/uapi/asm-generic/statfs.h).
struct LinuxStatfs {
  std::int64_t type, block_size;
  std::uint64_t blocks, blocks_free, blocks_available, files, files_free;
  std::uint32_t identity[2];
  std::int64_t longest_name, fragment_size, flags, spare[4];
};
static_assert(sizeof(LinuxStatfs) == 120);

Status store_statfs(FileSystem* file_system, std::uint64_t result) {
  constexpr std::int64_t kValid = 0x20;  // ST_VALID
  constexpr std::uint64_t kAnonymous = 0x0904'1934;
  FileSystemStatistics statistics;
  statistics.type = kAnonymous;  // pipes, sockets and the like
  if (file_system != nullptr) {
    if (const Status status = file_system->statistics(statistics); !status) return status;
  }
  LinuxStatfs statfs{};
  statfs.type = static_cast<std::int64_t>(statistics.type);
  statfs.block_size = statfs.fragment_size = static_cast<std::int64_t>(statistics.block_size);
  statfs.blocks = statistics.blocks;
  statfs.blocks_free = statistics.blocks_free;
  statfs.blocks_available = statistics.blocks_available;
  statfs.files = statistics.files;
  statfs.files_free = statistics.files_free;
  if (file_system != nullptr)
    statfs.identity[0] = static_cast<std::uint32_t>(file_system->device());
  statfs.longest_name = kLongestName;
  statfs.flags = kValid;
  return store_application(result, statfs);
}

Status call_statfs(std::uint64_t path, std::uint64_t result) {
  const Result<Ref<Vnode>> vnode = find_at(kAtWorkingDirectory, path, 0);
  return vnode ? store_statfs(&(*vnode)->file_system(), result) : Status(vnode.error());
}
LINUX_CALL(137, statfs, call_statfs);

Status call_fstatfs(int descriptor, std::uint64_t result) {
  const Result<Ref<File>> file = file_at(descriptor);
  if (!file) return file.error();
  Vnode* const vnode = (*file)->vnode();
  return store_statfs(vnode != nullptr ? &vnode->file_system() : nullptr, result);
}
LINUX_CALL(138, fstatfs, call_fstatfs);

}  // namespace
}  // namespace plumbline::linux_abi
