// Making, removing and renaming names.
#include <utility>

#include "linux/call.hh"
#include "linux/files/arguments.hh"

namespace plumbline::linux_abi {
namespace {

constexpr std::uint32_t kSticky = 01000;

// The directory may be changed (kEACCES).
Status check_directory(PathWalk& walk) {
  return check_permission(walk.directory(), credentials(), kMayWrite | kMayExecute);
}

// Removing or renaming `name` there: in a sticky directory only the owners may (kEPERM).
Status check_removal(PathWalk& walk, Vnode& node) {
  if (const Status status = check_directory(walk); !status) return status;
  const Credentials who = credentials();
  if (who.user == 0) return {};
  Attributes directory, file;
  if (const Status status = walk.directory().attributes(directory); !status) return status;
  if ((directory.mode & kSticky) == 0 || directory.user == who.user) return {};
  if (const Status status = node.attributes(file); !status) return status;
  return file.user == who.user ? Status() : Errno::kEPERM;
}

Status make(int directory, std::uint64_t path, NewNode node) {
  LastComponent last;
  if (const Status status = last.find(directory, path); !status) return status;
  PathWalk& walk = last.walk();
  if (!walk.named()) return Errno::kEEXIST;
  if (walk.wants_directory() && (node.mode & kModeTypeMask) != kModeDirectory) {
    // "name/" cannot become anything but a directory.
    const Result<Ref<Vnode>> there = walk.directory().lookup(walk.name());
    return there ? Errno::kEEXIST : Errno::kENOENT;
  }
  if (credentials().user != 0) {
    if (walk.directory().lookup(walk.name())) return Errno::kEEXIST;
    if (const Status status = check_directory(walk); !status) return status;
  }
  const Credentials who = credentials();
  node.user = who.user;
  node.group = who.group;
  const Result<Ref<Vnode>> made = walk.directory().create(walk.name(), node);
  return made ? Status() : made.error();
}

Status call_mkdirat(int directory, std::uint64_t path, std::uint32_t mode) {
  return make(directory, path, {.mode = kModeDirectory | masked(mode & 01777)});
}
LINUX_CALL(258, mkdirat, call_mkdirat);

Status call_mkdir(std::uint64_t path, std::uint32_t mode) {
  return call_mkdirat(kAtWorkingDirectory, path, mode);
}
LINUX_CALL(83, mkdir, call_mkdir);

Status call_mknodat(int directory, std::uint64_t path, std::uint32_t mode, std::uint32_t device) {
  std::uint32_t type = mode & kModeTypeMask;
  switch (type) {
    case 0:
      type = kModeRegular;
      break;
    case kModeRegular:
    case kModeFifo:
    case kModeSocket:
      break;
    case kModeCharacterDevice:
    case kModeBlockDevice:
      if (credentials().user != 0) return Errno::kEPERM;
      break;
    case kModeDirectory:
      return Errno::kEPERM;
    default:
      return Errno::kEINVAL;
  }
  return make(directory, path, {.mode = type | masked(mode & 07777), .device = device});
}
LINUX_CALL(259, mknodat, call_mknodat);

Status call_mknod(std::uint64_t path, std::uint32_t mode, std::uint32_t device) {
  return call_mknodat(kAtWorkingDirectory, path, mode, device);
}
LINUX_CALL(133, mknod, call_mknod);

Status call_symlinkat(std::uint64_t target, int directory, std::uint64_t path) {
  PathArgument text;
  if (const Status status = text.copy(target); !status) return status;
  if (text.text().empty()) return Errno::kENOENT;
  return make(directory, path, {.mode = kModeSymbolicLink | 0777, .target = text.text()});
}
LINUX_CALL(266, symlinkat, call_symlinkat);

Status call_symlink(std::uint64_t target, std::uint64_t path) {
  return call_symlinkat(target, kAtWorkingDirectory, path);
}
LINUX_CALL(88, symlink, call_symlink);

Status call_linkat(int from_directory, std::uint64_t from, int to_directory, std::uint64_t to,
                   unsigned flags) {
  if ((flags & ~(kAtFollow | kAtEmptyPath)) != 0) return Errno::kEINVAL;
  // This call's flag says when to follow, the others' when not to.
  const unsigned find_flags = (flags & kAtEmptyPath) | ((flags & kAtFollow) != 0 ? 0 : kAtNoFollow);
  const Result<Ref<Vnode>> node = find_at(from_directory, from, find_flags);
  if (!node) return node.error();
  LastComponent last;
  if (const Status status = last.find(to_directory, to); !status) return status;
  PathWalk& walk = last.walk();
  if (!walk.named() || walk.directory().lookup(walk.name())) return Errno::kEEXIST;
  if (walk.wants_directory()) return Errno::kENOENT;
  if (&(*node)->file_system() != &walk.directory().file_system()) return Errno::kEXDEV;
  if (const Status status = check_directory(walk); !status) return status;
  return walk.directory().link(walk.name(), **node);
}
LINUX_CALL(265, linkat, call_linkat);

Status call_link(std::uint64_t from, std::uint64_t to) {
  return call_linkat(kAtWorkingDirectory, from, kAtWorkingDirectory, to, 0);
}
LINUX_CALL(86, link, call_link);

Status remove_directory(PathWalk& walk) {
  if (walk.ends_in_dot()) return Errno::kEINVAL;
  if (walk.ends_in_dot_dot()) return Errno::kENOTEMPTY;
  if (!walk.named()) return Errno::kEBUSY;
  const Result<Ref<Vnode>> node = walk.directory().lookup(walk.name());
  if (!node) return node.error();
  if (const Status status = check_removal(walk, **node); !status) return status;
  return walk.directory().remove(walk.name(), true);
}

Status remove_file(PathWalk& walk) {
  if (!walk.named()) return Errno::kEISDIR;
  const Result<Ref<Vnode>> node = walk.directory().lookup(walk.name());
  if (!node) return node.error();
  if (walk.wants_directory()) return (*node)->is_directory() ? Errno::kEISDIR : Errno::kENOTDIR;
  if (const Status status = check_removal(walk, **node); !status) return status;
  return walk.directory().remove(walk.name(), false);
}

Status call_unlinkat(int directory, std::uint64_t path, unsigned flags) {
  if ((flags & ~kAtRemoveDirectory) != 0) return Errno::kEINVAL;
  LastComponent last;
  if (const Status status = last.find(directory, path); !status) return status;
  return (flags & kAtRemoveDirectory) != 0 ? remove_directory(last.walk())
                                           : remove_file(last.walk());
}
LINUX_CALL(263, unlinkat, call_unlinkat);

Status call_unlink(std::uint64_t path) { return call_unlinkat(kAtWorkingDirectory, path, 0); }
LINUX_CALL(87, unlink, call_unlink);

Status call_rmdir(std::uint64_t path) {
  return call_unlinkat(kAtWorkingDirectory, path, kAtRemoveDirectory);
}
LINUX_CALL(84, rmdir, call_rmdir);

Status call_renameat2(int from_directory, std::uint64_t from, int to_directory, std::uint64_t to,
                      unsigned flags) {
  if ((flags & ~(kRenameNoReplace | kRenameExchange)) != 0 ||
      flags == (kRenameNoReplace | kRenameExchange))
    return Errno::kEINVAL;
  LastComponent old_last, new_last;
  if (const Status status = old_last.find(from_directory, from); !status) return status;
  if (const Status status = new_last.find(to_directory, to); !status) return status;
  PathWalk& source = old_last.walk();
  PathWalk& target = new_last.walk();
  if (&source.directory().file_system() != &target.directory().file_system()) return Errno::kEXDEV;
  if (!source.named()) return Errno::kEBUSY;
  if (!target.named()) return (flags & kRenameNoReplace) != 0 ? Errno::kEEXIST : Errno::kEBUSY;
  const Result<Ref<Vnode>> node = source.directory().lookup(source.name());
  if (!node) return node.error();
  if (!(*node)->is_directory() &&
      (source.wants_directory() || (target.wants_directory() && (flags & kRenameExchange) == 0)))
    return Errno::kENOTDIR;
  if (const Status status = check_removal(source, **node); !status) return status;
  const Result<Ref<Vnode>> victim = target.directory().lookup(target.name());
  if (const Status status = victim ? check_removal(target, **victim) : check_directory(target);
      !status)
    return status;
  return source.directory().rename(source.name(), target.directory(), target.name(), flags);
}
LINUX_CALL(316, renameat2, call_renameat2);

Status call_renameat(int from_directory, std::uint64_t from, int to_directory, std::uint64_t to) {
  return call_renameat2(from_directory, from, to_directory, to, 0);
}
LINUX_CALL(264, renameat, call_renameat);

Status call_rename(std::uint64_t from, std::uint64_t to) {
  return call_renameat2(kAtWorkingDirectory, from, kAtWorkingDirectory, to, 0);
}
LINUX_CALL(82, rename, call_rename);

}  // namespace
}  // namespace plumbline::linux_abi
