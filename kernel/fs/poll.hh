// Readiness: what a file can do now, and telling those who wait for it to change.
#pragma once

#include <cstdint>

#include "core/intrusive_list.hh"
#include "sync/spinlock.hh"

namespace plumbline {

// Values: Linux, include/uapi/linux/eventpoll.h (and poll.h, whose low bits are the same).
using PollEvents = std::uint32_t;
inline constexpr PollEvents kPollIn = 0x1, kPollPriority = 0x2, kPollOut = 0x4, kPollError = 0x8,
                            kPollHangup = 0x10, kPollInvalid = 0x20, kPollReadNormal = 0x40,
                            kPollReadBand = 0x80, kPollWriteNormal = 0x100, kPollWriteBand = 0x200,
                            kPollReadHangup = 0x2000;

// Somebody who wants to know when a file's readiness changes: an epoll entry, a poll in progress.
class PollObserver {
 public:
  // `events` may have become ready. Called masked, with the source's lock held, possibly in an
  // interrupt handler: it may wake threads and must not detach, block or allocate.
  virtual void readiness_changed(PollEvents events) = 0;
  ListHook hook;

 protected:
  ~PollObserver() = default;
};

// A file's list of observers.
class PollSource {
 public:
  void attach(PollObserver& observer);
  // When this returns, the observer is not being called and will not be.
  void detach(PollObserver& observer);
  // Tells all observers. Cheap when there is none: a fence and a load. What made the file ready
  // must have been stored before.
  void notify(PollEvents events);

 private:
  Spinlock lock_;
  IntrusiveList<PollObserver, &PollObserver::hook> observers_;
};

}  // namespace plumbline
