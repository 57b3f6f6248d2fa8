#include "fs/file_locks.hh"

#include <algorithm>
#include <new>
#include <utility>

#include "fs/vnode.hh"
#include "sync/interruptible_wait.hh"
#include "sync/lock_guard.hh"
#include "sync/mutex.hh"

namespace plumbline {
namespace {

// A process that waits, and whom it waits for.
struct Wait {
  ListHook hook;
  LockOwner waiter, holder;
};

// One lock for the locks of all files: circles of waiting go through several.
Mutex all_locks;
IntrusiveList<Wait, &Wait::hook> waits;

// True when `holder` waits, perhaps through others, for `owner`.
bool closes_circle(LockOwner owner, LockOwner holder) {
  if (!owner.is_process) return false;
  // Linux gives up after as many steps, too: circles through more are not found.
  for (int step = 0; step < 10; ++step) {
    if (holder == owner) return true;
    const Wait* found = nullptr;
    for (const Wait& wait : waits) {
      if (wait.waiter == holder) found = &wait;
    }
    if (found == nullptr) return false;
    holder = found->holder;
  }
  return false;
}

}  // namespace

FileLocks::~FileLocks() {
  for (HeldList* held : {&records_, &whole_}) {
    while (Held* const lock = held->pop_front()) delete lock;
  }
}

FileLocks* FileLocks::of(Vnode& vnode) {
  FileLocks* locks = vnode.locks.load(std::memory_order_acquire);
  if (locks != nullptr) return locks;
  auto* const fresh = new (std::nothrow) FileLocks;
  if (fresh == nullptr) return nullptr;
  // Release: who finds it finds it constructed.
  if (vnode.locks.compare_exchange_strong(locks, fresh, std::memory_order_acq_rel,
                                          std::memory_order_acquire))
    return fresh;
  delete fresh;
  return locks;
}

FileLocks::Held* FileLocks::conflict(HeldList& held, const FileLock& wanted) {
  for (Held& other : held) {
    if (other.lock.begin >= wanted.end) break;
    if (other.lock.end <= wanted.begin || other.lock.owner == wanted.owner) continue;
    if (wanted.type == LockType::kExclusive || other.lock.type == LockType::kExclusive)
      return &other;
  }
  return nullptr;
}

void FileLocks::replace(HeldList& held, const FileLock& wanted, Held* spares[2]) {
  FileLock merged = wanted;
  const auto insert = [&](const FileLock& lock) {
    Held* const node = std::exchange(spares[spares[0] == nullptr ? 1 : 0], nullptr);
    node->lock = lock;
    Held* after = held.front();
    while (after != nullptr && after->lock.begin <= lock.begin) after = held.next(after);
    if (after == nullptr) {
      held.push_back(node);
    } else {
      held.insert_before(after, node);
    }
  };
  for (Held* other = held.front(); other != nullptr;) {
    Held* const current = other;
    other = held.next(other);
    FileLock& lock = current->lock;
    if (lock.owner != wanted.owner) continue;
    if (lock.type == wanted.type) {
      // Neighbours and overlapping ones become one.
      if (lock.end < merged.begin || lock.begin > merged.end) continue;
      merged.begin = std::min(merged.begin, lock.begin);
      merged.end = std::max(merged.end, lock.end);
    } else {
      if (lock.end <= wanted.begin || lock.begin >= wanted.end) continue;
      if (lock.begin < wanted.begin) {
        const FileLock behind{lock.owner, wanted.end, lock.end, lock.type};
        lock.end = wanted.begin;
        if (behind.begin < behind.end) insert(behind);
        continue;
      }
      if (lock.end > wanted.end) {
        FileLock behind = lock;
        behind.begin = wanted.end;
        held.remove(current);
        delete current;
        insert(behind);
        continue;
      }
    }
    held.remove(current);
    delete current;
  }
  if (wanted.type != LockType::kUnlock) insert(merged);
}

void FileLocks::changed() {
  // Release: the waiter that sees the count sees the lists.
  generation_.fetch_add(1, std::memory_order_release);
  waiters_.wake_all();
}

Status FileLocks::set(Kind kind, const FileLock& wanted, bool wait) {
  Held* spares[2] = {new (std::nothrow) Held, new (std::nothrow) Held};
  Status result;
  if (spares[0] == nullptr || spares[1] == nullptr) {
    result = Errno::kENOLCK;
  } else {
    for (;;) {
      Wait entry;
      std::uint64_t seen;
      {
        const LockGuard guard(all_locks);
        Held* const other =
            wanted.type == LockType::kUnlock ? nullptr : conflict(list(kind), wanted);
        if (other == nullptr) {
          replace(list(kind), wanted, spares);
          // Also a lock that became weaker lets others in.
          changed();
          break;
        }
        if (!wait || (kind == Kind::kRecord && closes_circle(wanted.owner, other->lock.owner))) {
          result = wait ? Errno::kEDEADLK : Errno::kEAGAIN;
          break;
        }
        entry.waiter = wanted.owner;
        entry.holder = other->lock.owner;
        waits.push_back(&entry);
        seen = generation_.load(std::memory_order_relaxed);
      }
      result = wait_interruptibly(
          waiters_, [&] { return generation_.load(std::memory_order_acquire) != seen; });
      const LockGuard guard(all_locks);
      waits.remove(&entry);
      if (!result) break;
    }
  }
  delete spares[0];
  delete spares[1];
  return result;
}

FileLock FileLocks::find_conflict(Kind kind, const FileLock& wanted) {
  const LockGuard guard(all_locks);
  const Held* const other = conflict(list(kind), wanted);
  return other != nullptr ? other->lock : FileLock{};
}

void FileLocks::drop(Kind kind, LockOwner owner) {
  const LockGuard guard(all_locks);
  HeldList& held = list(kind);
  bool any = false;
  for (Held* lock = held.front(); lock != nullptr;) {
    Held* const next = held.next(lock);
    if (lock->lock.owner == owner) {
      held.remove(lock);
      delete lock;
      any = true;
    }
    lock = next;
  }
  if (any) changed();
}

}  // namespace plumbline
