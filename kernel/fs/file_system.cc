#include "fs/file_system.hh"

#include <atomic>

#include "fs/vnode.hh"
#include "sync/lock_guard.hh"
#include "sync/mutex.hh"

namespace plumbline {
namespace {

constexpr unsigned kMostMounts = 32;
constinit std::atomic<std::uint64_t> last_device{0x18};
Mutex mount_lock;
// Mounts are for good, so the table's references are never given back.
Vnode* mounts[kMostMounts];
std::atomic<unsigned> mount_count{0};
Ref<Vnode> root;

bool add_mount(Vnode* vnode) {
  const unsigned count = mount_count.load(std::memory_order_relaxed);
  if (count == kMostMounts) return false;
  mounts[count] = vnode;
  // Release: who sees the count sees the entry.
  mount_count.store(count + 1, std::memory_order_release);
  return true;
}

}  // namespace

FileSystem::FileSystem(const char* type)
    : type_(type), device_(last_device.fetch_add(1, std::memory_order_relaxed)) {}

Status mount(Vnode& directory, Ref<Vnode> vnode) {
  if (!directory.is_directory() || !vnode->is_directory()) return Errno::kENOTDIR;
  const LockGuard guard(mount_lock);
  if (directory.mounted() != nullptr || vnode->covered_ != nullptr) return Errno::kEBUSY;
  if (!add_mount(vnode.get())) return Errno::kENOMEM;
  directory.retain();
  vnode->covered_ = &directory;
  // Release: a walk that crosses sees the root's covered_.
  directory.mounted_.store(vnode.leak(), std::memory_order_release);
  return {};
}

void set_root(Ref<Vnode> vnode) {
  const LockGuard guard(mount_lock);
  if (mount_count.load(std::memory_order_relaxed) == 0) {
    add_mount(vnode.get());
  } else {
    mounts[0] = vnode.get();  // only tests change the root
  }
  root = std::move(vnode);
}

const Ref<Vnode>& root_vnode() { return root; }

Vnode* mounted_root(unsigned index) {
  return index < mount_count.load(std::memory_order_acquire) ? mounts[index] : nullptr;
}

}  // namespace plumbline
