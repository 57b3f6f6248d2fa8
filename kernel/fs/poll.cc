#include "fs/poll.hh"

#include <array>
#include <new>

#include "fs/file.hh"
#include "sync/interruptible_wait.hh"
#include "sync/lock_guard.hh"
#include "sync/wait_queue.hh"

namespace plumbline {

void PollSource::attach(PollObserver& observer) {
  const LockGuard guard(lock_);
  if (observer.exclusive) {
    observers_.push_back(&observer);
  } else {
    observers_.push_front(&observer);
  }
  // After the list: who counts it finds it. Acquire: what was stored before a notify that did not
  // count it is visible from here on. Sequentially consistent for notify_after.
  count_.fetch_add(1, std::memory_order_seq_cst);
}

void PollSource::detach(PollObserver& observer) {
  const LockGuard guard(lock_);
  observers_.remove(&observer);
  count_.fetch_sub(1, std::memory_order_relaxed);
}

void PollSource::notify_observers(PollEvents events) {
  const LockGuard guard(lock_);
  for (PollObserver& observer : observers_) {
    if (observer.readiness_changed(events) && observer.exclusive) break;
  }
}

constinit Mutex FileWatchers::endings;

void FileWatchers::add(FileWatcher& watcher) {
  count_.fetch_add(1, std::memory_order_relaxed);
  const LockGuard guard(lock_);
  watchers_.push_back(&watcher);
}

void FileWatchers::remove(FileWatcher& watcher) {
  {
    const LockGuard guard(lock_);
    watchers_.remove(&watcher);
  }
  // After the lock: once this is zero the file, and the lock in it, may go.
  count_.fetch_sub(1, std::memory_order_release);
}

void FileWatchers::end_all() {
  const LockGuard ending(endings);
  for (;;) {
    FileWatcher* watcher;
    {
      const LockGuard guard(lock_);
      watcher = watchers_.front();
    }
    if (watcher == nullptr) break;
    watcher->file_gone();
  }
}

namespace {

struct PollWait {
  WaitQueue queue;
  std::atomic<bool> told{false};
};

class PollEntry final : public PollObserver {
 public:
  bool readiness_changed(PollEvents events) override {
    if ((events & wanted) == 0) return false;
    wait->told.store(true, std::memory_order_release);
    wait->queue.wake_one();
    return true;
  }

  PollWait* wait = nullptr;
  PollSource* source = nullptr;
  PollEvents wanted = 0;
};

unsigned count_ready(std::span<PollRequest> requests) {
  unsigned ready = 0;
  for (PollRequest& request : requests) {
    if (request.file == nullptr) continue;
    request.found = request.file->poll() & (request.wanted | request.always);
    if (request.found != 0) ++ready;
  }
  return ready;
}

// The entries of one call, attached while it waits.
class PollEntries {
 public:
  bool attach(std::span<PollRequest> requests, PollWait& wait) {
    if (requests.size() > here_.size()) {
      heap_ = new (std::nothrow) PollEntry[requests.size()];
      if (heap_ == nullptr) return false;
    }
    entries_ = heap_ != nullptr ? heap_ : here_.data();
    for (const PollRequest& request : requests) {
      PollSource* source = request.file != nullptr ? request.file->poll_source() : nullptr;
      if (source == nullptr) continue;
      PollEntry& entry = entries_[count_++];
      entry.wait = &wait;
      entry.source = source;
      entry.wanted = request.wanted | request.always;
      source->attach(entry);
    }
    return true;
  }
  ~PollEntries() {
    for (std::size_t i = 0; i < count_; ++i) entries_[i].source->detach(entries_[i]);
    delete[] heap_;
  }

 private:
  std::array<PollEntry, 8> here_;
  PollEntry* heap_ = nullptr;
  PollEntry* entries_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace

Result<unsigned> poll_files(std::span<PollRequest> requests, Deadline deadline) {
  // Most calls find something at once: they attach nothing.
  if (const unsigned ready = count_ready(requests); ready != 0) return ready;
  if (deadline.passed()) return 0u;
  PollWait wait;
  PollEntries entries;
  if (!entries.attach(requests, wait)) return Errno::kENOMEM;
  for (;;) {
    // Before the look: what is told after it counts for the next round.
    wait.told.store(false, std::memory_order_seq_cst);
    if (const unsigned ready = count_ready(requests); ready != 0) return ready;
    const Status waited = wait_interruptibly(
        wait.queue, [&] { return wait.told.load(std::memory_order_acquire); }, deadline);
    if (waited) continue;
    if (waited.error() == Errno::kETIMEDOUT) return count_ready(requests);
    return waited.error();
  }
}

}  // namespace plumbline
