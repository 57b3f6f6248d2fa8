// inotify(7).
#include "fs/inotify.hh"
#include "fs/path_walk.hh"
#include "linux/call.hh"
#include "linux/events/descriptors.hh"
#include "linux/files/arguments.hh"

namespace plumbline::linux_abi {
namespace {

Result<int> call_inotify_init1(int flags) {
  const auto status = static_cast<std::uint32_t>(flags);
  if ((status & ~(kOpenNonblocking | kOpenCloseOnExec)) != 0) return Errno::kEINVAL;
  return open_new<Inotify>((status & kOpenCloseOnExec) != 0, status & kOpenNonblocking);
}

Result<int> call_inotify_init() { return call_inotify_init1(0); }

Result<Ref<File>> find_inotify(int descriptor) {
  Result<Ref<File>> file = find_file(descriptor);
  if (file && (*file)->kind() != &Inotify::kKind) return Errno::kEINVAL;
  return file;
}

Result<int> call_inotify_add_watch(int descriptor, std::uint64_t path, std::uint32_t mask) {
  constexpr std::uint32_t kKnown = kInAllEvents | kInUnmount | kInOverflow | kInIgnored |
                                   kInOnlyDirectory | kInDontFollow | kInExcludeUnlinked |
                                   kInMaskCreate | kInMaskAdd | kInIsDirectory | kInOneShot;
  if ((mask & kKnown) == 0) return Errno::kEINVAL;
  if ((mask & kInMaskAdd) != 0 && (mask & kInMaskCreate) != 0) return Errno::kEINVAL;
  const Result<Ref<File>> file = find_inotify(descriptor);
  if (!file) return file.error();
  const unsigned how = (mask & kInDontFollow) != 0 ? kAtNoFollow : 0;
  const Result<Ref<Vnode>> vnode = find_at(kAtWorkingDirectory, path, how);
  if (!vnode) return vnode.error();
  if ((mask & kInOnlyDirectory) != 0 && !(*vnode)->is_directory()) return Errno::kENOTDIR;
  if (const Status allowed = check_permission(**vnode, credentials(), kMayRead); !allowed)
    return allowed.error();
  return static_cast<Inotify&>(**file).add_watch(**vnode, mask);
}

Status call_inotify_rm_watch(int descriptor, int watch) {
  const Result<Ref<File>> file = find_inotify(descriptor);
  if (!file) return file.error();
  return static_cast<Inotify&>(**file).remove_watch(watch);
}

LINUX_CALL(253, inotify_init, call_inotify_init);
LINUX_CALL(254, inotify_add_watch, call_inotify_add_watch);
LINUX_CALL(255, inotify_rm_watch, call_inotify_rm_watch);
LINUX_CALL(294, inotify_init1, call_inotify_init1);

}  // namespace
}  // namespace plumbline::linux_abi
