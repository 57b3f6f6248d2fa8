#include "fs/file.hh"

#include "fs/file_locks.hh"
#include "fs/inotify.hh"
#include "fs/vnode.hh"

namespace plumbline {

void File::destroy() {
  watchers.file_gone();
  // flock's locks and open file description locks live as long as the open file.
  if (Vnode* const node = vnode(); node != nullptr) {
    if (FileLocks* const locks = node->locks.load(std::memory_order_acquire); locks != nullptr) {
      locks->drop(FileLocks::Kind::kWhole, LockOwner::of_file(this));
      locks->drop(FileLocks::Kind::kRecord, LockOwner::of_file(this));
    }
    if ((flags() & kOpenPath) == 0)
      inotify::tell_file(*node, writable() ? kInCloseWrite : kInCloseNoWrite);
  }
  ReferenceCounted::destroy();
}

}  // namespace plumbline
