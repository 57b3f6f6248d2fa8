// Readiness: what a file can do now, and telling those who wait for it to change.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "core/clock.hh"
#include "core/intrusive_list.hh"
#include "core/result.hh"
#include "sync/mutex.hh"
#include "sync/spinlock.hh"

namespace plumbline {

class File;

// Values: Linux, include/uapi/linux/eventpoll.h (and poll.h, whose low bits are the same).
using PollEvents = std::uint32_t;
inline constexpr PollEvents kPollIn = 0x1, kPollPriority = 0x2, kPollOut = 0x4, kPollError = 0x8,
                            kPollHangup = 0x10, kPollInvalid = 0x20, kPollReadNormal = 0x40,
                            kPollReadBand = 0x80, kPollWriteNormal = 0x100, kPollWriteBand = 0x200,
                            kPollReadHangup = 0x2000;
// Told to everybody who waits, asked for or not (poll(2)).
inline constexpr PollEvents kPollAlways = kPollError | kPollHangup;

// Somebody who wants to know when a file's readiness changes: an epoll entry, a poll in progress.
class PollObserver {
 public:
  // `events` may have become ready. Called masked, with the source's lock held, possibly in an
  // interrupt handler: it may wake threads and must not detach, block or allocate. True when
  // somebody will look at the file because of this: then no further exclusive observer is told.
  virtual bool readiness_changed(PollEvents events) = 0;
  ListHook hook;
  // EPOLLEXCLUSIVE: of these, one that wakes somebody is enough. Set before attaching.
  bool exclusive = false;

 protected:
  ~PollObserver() = default;
};

// A file's list of observers.
class PollSource {
 public:
  void attach(PollObserver& observer);
  // When this returns, the observer is not being called and will not be.
  void detach(PollObserver& observer);
  // Tells all observers. Cheap when there is none: one atomic operation. What made the file ready
  // must have been stored before.
  void notify(PollEvents events) {
    // A write, though of nothing, so that it has a place in the order of changes of the count: an
    // observer that comes after it sees the file's new state when it looks, one before is seen.
    if (count_.fetch_add(0, std::memory_order_acq_rel) != 0) notify_observers(events);
  }
  // The same where what made the file ready was stored sequentially consistent, and poll() loads it
  // so: then a look at the count is enough.
  void notify_after(PollEvents events) {
    if (count_.load(std::memory_order_seq_cst) != 0) notify_observers(events);
  }

 private:
  void notify_observers(PollEvents events);

  std::atomic<std::uint32_t> count_{0};
  Spinlock lock_;
  // Exclusive ones last.
  IntrusiveList<PollObserver, &PollObserver::hook> observers_;
};

// Somebody who refers to a file without keeping it open, and must let go of it before its end.
class FileWatcher {
 public:
  // The file's last reference is gone; the file itself is still there. Takes the watcher out of
  // the file's list.
  virtual void file_gone() = 0;
  ListHook watch_hook;

 protected:
  ~FileWatcher() = default;
};

// The watchers of one file.
class FileWatchers {
 public:
  void add(FileWatcher& watcher);
  // Afterwards the file may be gone, unless the caller has a reference.
  void remove(FileWatcher& watcher);
  // At the file's end: ends all watches.
  void file_gone() {
    // Acquire: pairs with the release in remove, which is the last that touches the file.
    if (count_.load(std::memory_order_acquire) != 0) end_all();
  }
  // Calls visit(watcher) for each, under a spinlock.
  template <typename Visit>
  void for_each(Visit visit) {
    lock_.lock();
    for (FileWatcher& watcher : watchers_) visit(watcher);
    lock_.unlock();
  }

  // Held while a file ends its watches, and by watchers that end at a time when their file may do
  // so as well: each finds the other still there.
  static Mutex endings;

 private:
  void end_all();

  std::atomic<std::uint32_t> count_{0};
  Spinlock lock_;
  IntrusiveList<FileWatcher, &FileWatcher::watch_hook> watchers_;
};

// A file that poll(2) or select(2) asks about.
struct PollRequest {
  File* file = nullptr;  // kept open by the caller; null: this one is skipped
  PollEvents wanted = 0;
  PollEvents found = 0;
  // What counts beside `wanted`; select(2) asks for less.
  PollEvents always = kPollAlways;
};

// Waits until one of the files is ready for what is wanted of it, and
// returns how many are; 0 at the deadline. kRestart: a signal came first; kENOMEM.
Result<unsigned> poll_files(std::span<PollRequest> requests, Deadline deadline);

}  // namespace plumbline
