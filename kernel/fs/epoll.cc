// The entries of epoll sets: adding, changing, removing, and sets in sets.
#include "fs/epoll.hh"

#include <algorithm>
#include <new>

#include "sync/lock_guard.hh"

namespace plumbline {
namespace {

// What is not an event: alone, it leaves an entry disabled.
constexpr std::uint32_t kFlags = kEpollExclusive | kEpollWakeUp | kEpollOneShot | kEpollEdge;
// What may stand beside EPOLLEXCLUSIVE.
constexpr std::uint32_t kWithExclusive =
    kPollIn | kPollOut | kPollError | kPollHangup | kEpollWakeUp | kEpollEdge | kEpollExclusive;

}  // namespace

const char Epoll::kKind = 0;

bool EpollEntry::readiness_changed(PollEvents events) {
  const std::uint32_t wanted = interest.load(std::memory_order_acquire);
  if ((events & wanted & ~kFlags) == 0) return false;
  const bool woke = set.make_ready(*this);
  if (!exclusive) return true;
  // A set that nobody waits for leaves the event to the next one.
  return woke;
}

void EpollEntry::file_gone() {
  const LockGuard guard(set.lock_);
  set.erase(*this);
}

Epoll::~Epoll() {
  {
    const LockGuard ending(FileWatchers::endings);
    const LockGuard guard(lock_);
    for (unsigned i = 0; i < bucket_count_; ++i) {
      while (buckets_[i] != nullptr) erase(*buckets_[i]);
    }
  }
  delete[] buckets_;
}

Epoll::Entry* Epoll::find(const File& file, int descriptor) {
  if (bucket_count_ == 0) return nullptr;
  Entry* entry = buckets_[static_cast<unsigned>(descriptor) & (bucket_count_ - 1)];
  while (entry != nullptr && (entry->descriptor != descriptor || &entry->file != &file))
    entry = entry->next;
  return entry;
}

void Epoll::insert(Entry& entry) {
  Entry*& bucket = buckets_[static_cast<unsigned>(entry.descriptor) & (bucket_count_ - 1)];
  entry.next = bucket;
  bucket = &entry;
}

bool Epoll::grow() {
  constexpr unsigned kFewest = 16;
  if (entry_count_ < bucket_count_) return true;
  const unsigned count = std::max(kFewest, bucket_count_ * 2);
  auto** buckets = new (std::nothrow) Entry* [count] {};
  // A table that is too small is only slow.
  if (buckets == nullptr) return bucket_count_ != 0;
  Entry** old = std::exchange(buckets_, buckets);
  const unsigned old_count = std::exchange(bucket_count_, count);
  for (unsigned i = 0; i < old_count; ++i) {
    for (Entry* entry = old[i]; entry != nullptr;) {
      Entry* next = entry->next;
      insert(*entry);
      entry = next;
    }
  }
  delete[] old;
  return true;
}

void Epoll::erase(Entry& entry) {
  // First: afterwards nobody makes it ready any more.
  entry.file.poll_source()->detach(entry);
  {
    const LockGuard guard(ready_lock_);
    if (entry.ready_hook.linked()) {
      ready_.remove(&entry);
      ready_count_.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  Entry** link = &buckets_[static_cast<unsigned>(entry.descriptor) & (bucket_count_ - 1)];
  while (*link != &entry) link = &(*link)->next;
  *link = entry.next;
  --entry_count_;
  // Last: after this the file may be gone.
  entry.file.watchers.remove(entry);
  delete &entry;
}

Status Epoll::add(File& file, int descriptor, const EpollEvent& event) {
  if (file.poll_source() == nullptr) return Errno::kEPERM;
  if (&file == this) return Errno::kEINVAL;
  Epoll* nested = of(file);
  if ((event.events & kEpollExclusive) != 0 &&
      (nested != nullptr || (event.events & ~kWithExclusive) != 0))
    return Errno::kEINVAL;
  if (nested == nullptr) return add_entry(file, descriptor, event);
  // One at a time, or two of them could close a circle together.
  const LockGuard topology(FileWatchers::endings);
  const unsigned below = nested->levels_below(*this);
  if (below > kMostNested || below + 1 + levels_above() > kMostNested) return Errno::kELOOP;
  return add_entry(file, descriptor, event);
}

Status Epoll::add_entry(File& file, int descriptor, const EpollEvent& event) {
  const LockGuard guard(lock_);
  if (find(file, descriptor) != nullptr) return Errno::kEEXIST;
  if (!grow()) return Errno::kENOMEM;
  auto* entry = new (std::nothrow) Entry(*this, file, descriptor);
  if (entry == nullptr) return Errno::kENOMEM;
  entry->interest.store(event.events | kPollAlways, std::memory_order_relaxed);
  entry->data = event.data;
  entry->exclusive = (event.events & kEpollExclusive) != 0;
  insert(*entry);
  ++entry_count_;
  file.watchers.add(*entry);
  file.poll_source()->attach(*entry);
  look_at(*entry);
  return {};
}

Status Epoll::modify(File& file, int descriptor, const EpollEvent& event) {
  if (file.poll_source() == nullptr) return Errno::kEPERM;
  if (&file == this || (event.events & kEpollExclusive) != 0) return Errno::kEINVAL;
  const LockGuard guard(lock_);
  Entry* entry = find(file, descriptor);
  if (entry == nullptr) return Errno::kENOENT;
  if (entry->exclusive) return Errno::kEINVAL;
  entry->data = event.data;
  // A full fence: who makes the file ready after our look at it reads the new interest.
  entry->interest.exchange(event.events | kPollAlways, std::memory_order_seq_cst);
  look_at(*entry);
  return {};
}

Status Epoll::remove(File& file, int descriptor) {
  if (file.poll_source() == nullptr) return Errno::kEPERM;
  if (&file == this) return Errno::kEINVAL;
  const LockGuard guard(lock_);
  Entry* entry = find(file, descriptor);
  if (entry == nullptr) return Errno::kENOENT;
  erase(*entry);
  return {};
}

// The state of a new or changed entry counts as an event.
void Epoll::look_at(Entry& entry) {
  const std::uint32_t wanted = entry.interest.load(std::memory_order_relaxed);
  if ((entry.file.poll() & wanted & ~kFlags) != 0) make_ready(entry);
}

unsigned Epoll::levels_below(const Epoll& origin) {
  if (this == &origin) return kMostNested + 1;
  const LockGuard guard(lock_);
  unsigned levels = 0;
  for (unsigned i = 0; i < bucket_count_ && levels <= kMostNested; ++i) {
    for (Entry* entry = buckets_[i]; entry != nullptr; entry = entry->next) {
      if (Epoll* nested = of(entry->file); nested != nullptr)
        levels = std::max(levels, nested->levels_below(origin) + 1);
    }
  }
  return levels;
}

unsigned Epoll::levels_above() {
  unsigned levels = 0;
  watchers.for_each([&levels](FileWatcher& watcher) {
    // Nothing but entries of sets watches files.
    levels = std::max(levels, static_cast<Entry&>(watcher).set.levels_above() + 1);
  });
  return levels;
}

}  // namespace plumbline
