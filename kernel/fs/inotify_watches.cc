// Who watches which file.
#include <algorithm>
#include <array>
#include <new>

#include "fs/inotify.hh"
#include "fs/vnode.hh"
#include "sync/lock_guard.hh"

namespace plumbline {

// All watches of the system, by vnode. One lock: programs with watches have few, and what happens
// to files that nobody watches costs them a look into one bucket.
class InotifyRegistry {
 public:
  struct Watch {
    Watch* next;  // in its bucket
    Vnode* vnode;
    Inotify* owner;
    int number;
    std::uint32_t mask;
  };

  static Result<int> add(Inotify& owner, Vnode& vnode, std::uint32_t mask);
  static Status remove(Inotify& owner, int number);
  static void remove_all(Inotify& owner);
  // Tells the watchers of `vnode`; `child_removed` leaves out those who do not care then.
  static void tell(Vnode& vnode, std::uint32_t event, std::string_view name, std::uint32_t cookie,
                   bool child_removed);
  static void end(Vnode& vnode);

 private:
  static constexpr unsigned kBuckets = 64;

  static Watch*& bucket(const Vnode* vnode) {
    // Vnodes are cache lines apart.
    const auto address = reinterpret_cast<std::uintptr_t>(vnode);
    return buckets_[(address / 64 ^ address / 4096) % kBuckets];
  }
  // With the lock: takes *link out of its bucket, tells its owner so, and frees it.
  static void end_watch(Watch** link);

  static constinit Mutex lock_;
  static constinit std::array<Watch*, kBuckets> buckets_;
};

constinit Mutex InotifyRegistry::lock_;
constinit std::array<InotifyRegistry::Watch*, InotifyRegistry::kBuckets>
    InotifyRegistry::buckets_{};

void InotifyRegistry::end_watch(Watch** link) {
  Watch* watch = *link;
  *link = watch->next;
  inotify::watch_count.fetch_sub(1, std::memory_order_relaxed);
  watch->owner->queue(watch->number, kInIgnored, 0, {});
  delete watch;
}

Result<int> InotifyRegistry::add(Inotify& owner, Vnode& vnode, std::uint32_t mask) {
  constexpr std::uint32_t kKept = kInAllEvents | kInOneShot | kInExcludeUnlinked;
  const LockGuard guard(lock_);
  for (Watch* watch = bucket(&vnode); watch != nullptr; watch = watch->next) {
    if (watch->vnode != &vnode || watch->owner != &owner) continue;
    if ((mask & kInMaskCreate) != 0) return Errno::kEEXIST;
    watch->mask = ((mask & kInMaskAdd) != 0 ? watch->mask : 0) | (mask & kKept);
    return watch->number;
  }
  if (inotify::watch_count.load(std::memory_order_relaxed) >= Inotify::kMostWatches)
    return Errno::kENOSPC;
  auto* watch = new (std::nothrow) Watch;
  if (watch == nullptr) return Errno::kENOMEM;
  Watch*& first = bucket(&vnode);
  *watch = {first, &vnode, &owner, ++owner.last_number_, mask & kKept};
  first = watch;
  inotify::watch_count.fetch_add(1, std::memory_order_relaxed);
  return watch->number;
}

Status InotifyRegistry::remove(Inotify& owner, int number) {
  const LockGuard guard(lock_);
  for (Watch*& first : buckets_) {
    for (Watch** link = &first; *link != nullptr; link = &(*link)->next) {
      if ((*link)->owner != &owner || (*link)->number != number) continue;
      end_watch(link);
      return {};
    }
  }
  return Errno::kEINVAL;
}

void InotifyRegistry::remove_all(Inotify& owner) {
  const LockGuard guard(lock_);
  for (Watch*& first : buckets_) {
    for (Watch** link = &first; *link != nullptr;) {
      if ((*link)->owner == &owner) {
        end_watch(link);
      } else {
        link = &(*link)->next;
      }
    }
  }
}

void InotifyRegistry::tell(Vnode& vnode, std::uint32_t event, std::string_view name,
                           std::uint32_t cookie, bool child_removed) {
  const LockGuard guard(lock_);
  for (Watch** link = &bucket(&vnode); *link != nullptr;) {
    Watch& watch = **link;
    const bool wanted = watch.vnode == &vnode && (watch.mask & event & kInAllEvents) != 0 &&
                        !(child_removed && (watch.mask & kInExcludeUnlinked) != 0);
    if (wanted) watch.owner->queue(watch.number, event, cookie, name);
    if (wanted && (watch.mask & kInOneShot) != 0) {
      end_watch(link);
    } else {
      link = &watch.next;
    }
  }
}

void InotifyRegistry::end(Vnode& vnode) {
  const LockGuard guard(lock_);
  for (Watch** link = &bucket(&vnode); *link != nullptr;) {
    Watch& watch = **link;
    if (watch.vnode != &vnode) {
      link = &watch.next;
      continue;
    }
    if ((watch.mask & kInDeleteSelf) != 0 && vnode.removed())
      watch.owner->queue(watch.number, kInDeleteSelf, 0, {});
    end_watch(link);
  }
}

Result<int> Inotify::add_watch(Vnode& vnode, std::uint32_t mask) {
  return InotifyRegistry::add(*this, vnode, mask);
}

Status Inotify::remove_watch(int number) { return InotifyRegistry::remove(*this, number); }

Inotify::~Inotify() {
  InotifyRegistry::remove_all(*this);
  while (Event* event = events_.pop_front()) free_event(event);
}

namespace inotify {

constinit std::atomic<std::uint32_t> watch_count{0};

void tell_file_watchers(Vnode& vnode, std::uint32_t event) {
  if (vnode.is_directory()) event |= kInIsDirectory;
  const Ref<Vnode> directory = vnode.parent();
  const Ref<Name> name = vnode.name();
  // The directory's watchers first, as on Linux.
  if (directory && name) InotifyRegistry::tell(*directory, event, name->text(), 0, vnode.removed());
  InotifyRegistry::tell(vnode, event, {}, 0, false);
}

void tell_entry_watchers(Vnode& directory, std::uint32_t event, std::string_view name,
                         bool is_directory, std::uint32_t cookie) {
  InotifyRegistry::tell(directory, event | (is_directory ? kInIsDirectory : 0), name, cookie,
                        false);
}

void tell_self_watchers(Vnode& vnode, std::uint32_t event) {
  // For its own moves a directory is not marked as one, as on Linux.
  const bool mark = vnode.is_directory() && event != kInMoveSelf;
  InotifyRegistry::tell(vnode, event | (mark ? kInIsDirectory : 0), {}, 0, false);
}

void end_watches(Vnode& vnode) { InotifyRegistry::end(vnode); }

std::uint32_t next_cookie() {
  static constinit std::atomic<std::uint32_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace inotify
}  // namespace plumbline
