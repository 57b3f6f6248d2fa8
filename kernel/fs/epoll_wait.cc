// Waiting for the files of an epoll set.
#include <algorithm>
#include <array>
#include <span>

#include "fs/epoll.hh"
#include "fs/io_cursor.hh"
#include "memory/application_words.hh"
#include "sync/interruptible_wait.hh"
#include "sync/lock_guard.hh"

namespace plumbline {
namespace {

constexpr std::uint32_t kFlags = kEpollExclusive | kEpollWakeUp | kEpollOneShot | kEpollEdge;

// Events that go to the program in one copy.
constexpr unsigned kBatch = 16;

}  // namespace

bool Epoll::make_ready(Entry& entry) {
  {
    const LockGuard guard(ready_lock_);
    if (!entry.ready_hook.linked()) {
      ready_.push_back(&entry);
      // Release: who sees the count may take the entry.
      ready_count_.fetch_add(1, std::memory_order_release);
    }
  }
  const bool woke = wait_.wake_one();
  source_.notify(kPollIn | kPollReadNormal);
  return woke;
}

Epoll::Entry* Epoll::take_ready() {
  const LockGuard guard(ready_lock_);
  Entry* entry = ready_.pop_front();
  if (entry != nullptr) ready_count_.fetch_sub(1, std::memory_order_relaxed);
  return entry;
}

void Epoll::put_back(Entry& entry, bool first) {
  const LockGuard guard(ready_lock_);
  // It may have become ready again meanwhile.
  if (entry.ready_hook.linked()) return;
  if (first) {
    ready_.push_front(&entry);
  } else {
    ready_.push_back(&entry);
  }
  ready_count_.fetch_add(1, std::memory_order_release);
}

Result<unsigned> Epoll::collect(IoCursor& to, unsigned most) {
  std::array<EpollEvent, kBatch> events;
  std::array<Entry*, kBatch> entries;
  unsigned given = 0;
  const LockGuard guard(lock_);
  // Each entry once: those put back are for the next call.
  unsigned left = ready_count_.load(std::memory_order_relaxed);
  while (given < most && left != 0) {
    unsigned count = 0;
    while (count < kBatch && given + count < most && left != 0) {
      --left;
      Entry* entry = take_ready();
      if (entry == nullptr) {
        left = 0;
        break;
      }
      // Off the list before the look: what happens after it puts the entry there again.
      const PollEvents found =
          entry->file.poll() & entry->interest.load(std::memory_order_relaxed) & ~kFlags;
      if (found == 0) continue;
      events[count] = {found, entry->data};
      entries[count++] = entry;
    }
    const std::size_t copied = to.put(std::as_bytes(std::span(events).first(count)));
    const auto whole = static_cast<unsigned>(copied / sizeof(EpollEvent));
    for (unsigned i = count; i > whole; --i) put_back(*entries[i - 1], true);
    for (unsigned i = 0; i < whole; ++i) {
      Entry& entry = *entries[i];
      const std::uint32_t interest = entry.interest.load(std::memory_order_relaxed);
      if ((interest & kEpollOneShot) != 0) {
        entry.interest.store(interest & kFlags, std::memory_order_relaxed);
      } else if ((interest & kEpollEdge) == 0) {
        put_back(entry, false);
      }
    }
    given += whole;
    if (whole != count) {
      if (given == 0) return Errno::kEFAULT;
      break;
    }
  }
  // For one of those who wait beside us: there is more.
  if (ready_count_.load(std::memory_order_relaxed) != 0) wait_.wake_one();
  return given;
}

// The commonest wait finds one level-triggered entry. It would go back on the list where it is the
// only one, so it stays there, whatever happens to its file meanwhile. False when it is not that.
bool Epoll::collect_only(std::uint64_t to) {
  const LockGuard guard(lock_);
  // Acquire: the list is seen as it was when it was counted. With the lock nobody takes an entry
  // out, and others are put behind it, so the list's own lock is not needed.
  if (ready_count_.load(std::memory_order_acquire) != 1) return false;
  const Entry& entry = *ready_.front();
  const std::uint32_t interest = entry.interest.load(std::memory_order_relaxed);
  if ((interest & (kEpollOneShot | kEpollEdge)) != 0) return false;
  const PollEvents found = entry.file.poll() & interest & ~kFlags;
  const EpollEvent event{found, entry.data};
  if (found == 0 || !store_words<sizeof event>(to, &event)) return false;
  // For one of those who wait beside us: it is still ready.
  if (wait_.anybody_waits()) wait_.wake_one();
  return true;
}

Result<unsigned> Epoll::wait_for_any(std::uint64_t to, unsigned most, Deadline deadline) {
  IoCursor events(to, std::size_t{most} * sizeof(EpollEvent));
  const auto ready = [this] { return ready_count_.load(std::memory_order_acquire) != 0; };
  for (;;) {
    if (ready()) {
      const Result<unsigned> given = collect(events, most);
      if (!given || *given != 0) return given;
    }
    if (deadline.passed()) return 0u;
    const Status waited = wait_interruptibly(wait_, ready, deadline);
    if (!waited && waited.error() != Errno::kETIMEDOUT) return waited.error();
  }
}

PollEvents Epoll::poll() {
  const LockGuard guard(lock_);
  for (unsigned left = ready_count_.load(std::memory_order_relaxed); left != 0; --left) {
    Entry* entry = take_ready();
    if (entry == nullptr) break;
    if ((entry->file.poll() & entry->interest.load(std::memory_order_relaxed) & ~kFlags) != 0) {
      put_back(*entry, true);
      return kPollIn | kPollReadNormal;
    }
  }
  return 0;
}

}  // namespace plumbline
