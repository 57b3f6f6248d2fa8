#include "fs/open.hh"

#include <utility>

#include "fs/file_system.hh"
#include "fs/inotify.hh"
#include "fs/vnode_files.hh"

namespace plumbline {
namespace {

// Only said to open, not shown by F_GETFL.
constexpr std::uint32_t kOnlyForOpen =
    kOpenCreate | kOpenExclusive | kOpenTruncate | kOpenCloseOnExec;

constexpr bool has(std::uint32_t flags, std::uint32_t all) { return (flags & all) == all; }

std::uint32_t wanted_permissions(std::uint32_t flags) {
  const std::uint32_t access = flags & kOpenAccessMask;
  std::uint32_t wanted = 0;
  if (access != kOpenWriteOnly) wanted |= kMayRead;
  if (access != kOpenReadOnly || has(flags, kOpenTruncate)) wanted |= kMayWrite;
  return wanted;
}

Result<Ref<File>> open_checked(const Ref<Vnode>& vnode, std::uint32_t flags) {
  // Linux shows large-file support in every file's flags on 64-bit machines.
  const std::uint32_t kept = (flags & ~kOnlyForOpen) | kOpenLargeFile;
  Result<Ref<File>> file = vnode->is_directory() ? open_directory(vnode, kept) : vnode->open(kept);
  if (file) inotify::tell_file(*vnode, kInOpen);
  return file;
}

// The last component is missing: makes it. kEEXIST: somebody else has been faster.
Result<Ref<File>> create_file(PathWalk& walk, std::uint32_t flags, std::uint32_t mode,
                              const Credentials& who) {
  if (const Status status = check_permission(walk.directory(), who, kMayWrite | kMayExecute);
      !status)
    return status.error();
  Result<Ref<Vnode>> made = walk.directory().create(
      walk.name(), {.mode = kModeRegular | (mode & 07777), .user = who.user, .group = who.group});
  if (!made) return made.error();
  // Its permissions are for later opens: this one may be for writing a read-only file.
  return open_checked(*made, flags);
}

Result<Ref<File>> open_temporary(const Ref<Vnode>& base, std::string_view path, std::uint32_t flags,
                                 std::uint32_t mode, const Credentials& who,
                                 const WalkRules* rules) {
  if ((flags & kOpenAccessMask) == kOpenReadOnly) return Errno::kEINVAL;
  Result<Ref<Vnode>> directory = find_vnode(base, path, true, who, rules);
  if (!directory) return directory.error();
  if (!(*directory)->is_directory()) return Errno::kENOTDIR;
  if (const Status status = check_permission(**directory, who, kMayWrite | kMayExecute); !status)
    return status.error();
  Result<Ref<Vnode>> made =
      (*directory)
          ->create_unnamed(
              {.mode = kModeRegular | (mode & 07777), .user = who.user, .group = who.group});
  if (!made) return made.error();
  return open_checked(*made, flags & ~(kOpenTemporary & ~kOpenDirectory));
}

}  // namespace

Result<Ref<File>> open_vnode(const Ref<Vnode>& vnode, std::uint32_t flags, const Credentials& who) {
  if (has(flags, kOpenDirectory) && !vnode->is_directory()) return Errno::kENOTDIR;
  if (has(flags, kOpenPath))
    return open_path_only(vnode, flags & (kOpenPath | kOpenDirectory | kOpenNoFollow));
  if (vnode->type() == kModeSymbolicLink) return Errno::kELOOP;
  const std::uint32_t wanted = wanted_permissions(flags);
  if (vnode->is_directory() && ((wanted & kMayWrite) != 0 || has(flags, kOpenCreate)))
    return Errno::kEISDIR;
  if (who.user != 0) {
    if (const Status status = check_permission(*vnode, who, wanted); !status) return status.error();
  }
  Result<Ref<File>> file = open_checked(vnode, flags);
  // Those who watch see it opened before it is cut.
  if (file && has(flags, kOpenTruncate) && vnode->type() == kModeRegular) {
    if (const Status status = vnode->truncate(0); !status) return status.error();
  }
  return file;
}

Result<Ref<File>> open_file(const Ref<Vnode>& base, std::string_view path, std::uint32_t flags,
                            std::uint32_t mode, const Credentials& who, const WalkRules* rules) {
  if (has(flags, kOpenPath)) flags &= kOpenPath | kOpenDirectory | kOpenNoFollow | kOpenCloseOnExec;
  if (has(flags, kOpenTemporary)) return open_temporary(base, path, flags, mode, who, rules);
  const bool create = has(flags, kOpenCreate);
  if (create && has(flags, kOpenDirectory)) return Errno::kEINVAL;
  PathWalk walk(base, path, who, rules);
  if (const Status status = walk.to_last(); !status) return status.error();
  for (;;) {
    if (create && walk.named() && walk.wants_directory()) return Errno::kEISDIR;
    Result<Ref<Vnode>> found = walk.look_up();
    if (!found) {
      if (!create || !walk.named() || found.error() != Errno::kENOENT) return found.error();
      Result<Ref<File>> made = create_file(walk, flags, mode, who);
      if (made || made.error() != Errno::kEEXIST) return made;
      continue;  // it is there now
    }
    if (create && has(flags, kOpenExclusive)) return Errno::kEEXIST;
    if ((*found)->type() != kModeSymbolicLink ||
        (has(flags, kOpenNoFollow) && !walk.wants_directory()))
      return open_vnode(*found, flags, who);
    if (const Status status = walk.follow(*found); !status) return status.error();
    if (const Status status = walk.to_last(); !status) return status.error();
  }
}

Result<Ref<File>> open_path(std::string_view path, std::uint32_t flags) {
  return open_file(root_vnode(), path, flags, 0);
}

Status read_exactly(File& file, void* to, std::size_t length, std::uint64_t offset) {
  const IoSegment segment{reinterpret_cast<std::uint64_t>(to), length};
  IoCursor cursor({&segment, 1});
  while (cursor.remaining() != 0) {
    const Result<std::size_t> read = file.read(cursor, offset + (length - cursor.remaining()));
    if (!read) return read.error();
    if (*read == 0) return Errno::kEIO;
  }
  return {};
}

}  // namespace plumbline
