// Sets of files that tell when one of them is ready: epoll(7).
#pragma once

#include <atomic>
#include <cstdint>

#include "core/clock.hh"
#include "core/intrusive_list.hh"
#include "fs/anonymous_file.hh"
#include "fs/poll.hh"
#include "sync/mutex.hh"
#include "sync/spinlock.hh"
#include "sync/wait_queue.hh"

namespace plumbline {

// Flags beside the events (Linux, include/uapi/linux/eventpoll.h).
inline constexpr std::uint32_t kEpollExclusive = 1u << 28, kEpollWakeUp = 1u << 29,
                               kEpollOneShot = 1u << 30, kEpollEdge = 1u << 31;

// struct epoll_event of x86-64.
struct [[gnu::packed]] EpollEvent {
  std::uint32_t events;
  std::uint64_t data;
};
static_assert(sizeof(EpollEvent) == 12);

class Epoll;

// A file in a set. Its members are the set's, under its lock, but for the ready hook.
class EpollEntry final : public PollObserver, public FileWatcher {
 public:
  EpollEntry(Epoll& epoll, File& watched, int number)
      : set(epoll), file(watched), descriptor(number) {}
  bool readiness_changed(PollEvents events) override;
  void file_gone() override;

  Epoll& set;
  File& file;
  const int descriptor;
  // What is waited for, with the flags; read by readiness_changed.
  std::atomic<std::uint32_t> interest{0};
  std::uint64_t data = 0;
  EpollEntry* next = nullptr;  // in its bucket
  ListHook ready_hook;
};

// An entry is a file with the descriptor under which it was added. It does not keep the file open:
// it ends with the file's last descriptor, wherever that is.
//
// Whoever makes a file ready puts its entry into the ready list, under a spinlock and perhaps in an
// interrupt handler. A wait takes entries from the front, asks each file whether it really is
// ready, and puts level-triggered ones back at the end; so the list is a queue in which everybody's
// turn comes, and an entry that is no longer ready costs one look.
class Epoll final : public AnonymousFile {
 public:
  explicit Epoll(std::uint32_t flags) : AnonymousFile("[eventpoll]", kOpenReadWrite | flags) {}

  // epoll_ctl(2). kEPERM: the file cannot be watched; kEEXIST, kENOENT, kENOMEM; kEINVAL for wrong
  // uses of EPOLLEXCLUSIVE and for the set itself; kELOOP: sets in sets go round or too deep.
  Status add(File& file, int descriptor, const EpollEvent& event);
  Status modify(File& file, int descriptor, const EpollEvent& event);
  Status remove(File& file, int descriptor);

  // Gives up to `most` (> 0) EpollEvents to the program's memory at `to`, an is_application_range
  // for them all. Waits while there are none: 0 at the deadline. kRestart: a signal came first;
  // kEFAULT.
  Result<unsigned> wait(std::uint64_t to, unsigned most, Deadline deadline) {
    if (give_only(to)) return 1u;
    return wait_for_any(to, most, deadline);
  }
  // The same for the commonest case: there is one event, and it is given. False: wait() is the way.
  bool give_only(std::uint64_t to) {
    return ready_count_.load(std::memory_order_relaxed) == 1 && collect_only(to);
  }

  PollEvents poll() override;
  PollSource* poll_source() override { return &source_; }
  const void* kind() const override { return &kKind; }
  static const char kKind;

 private:
  friend class EpollEntry;
  using Entry = EpollEntry;

  // The sets between two files of a chain; deeper ones are refused (Linux: EP_MAX_NESTS).
  static constexpr unsigned kMostNested = 4;

  ~Epoll() override;

  static Epoll* of(File& file) {
    return file.kind() == &kKind ? static_cast<Epoll*>(&file) : nullptr;
  }
  // With the lock.
  Entry* find(const File& file, int descriptor);
  bool grow();
  void insert(Entry& entry);
  void erase(Entry& entry);
  Status add_entry(File& file, int descriptor, const EpollEvent& event);
  void look_at(Entry& entry);
  Result<unsigned> collect(IoCursor& to, unsigned most);
  bool collect_only(std::uint64_t to);
  Result<unsigned> wait_for_any(std::uint64_t to, unsigned most, Deadline deadline);

  // The entry's file may have become ready. True when a waiter was woken.
  bool make_ready(Entry& entry);
  Entry* take_ready();
  void put_back(Entry& entry, bool first);

  // Levels of sets below (above) this one; more than kMostNested when `origin` is among them.
  unsigned levels_below(const Epoll& origin);
  unsigned levels_above();

  Mutex lock_;
  Entry** buckets_ = nullptr;  // a hash table by descriptor: chains
  unsigned bucket_count_ = 0;  // a power of two
  unsigned entry_count_ = 0;

  Spinlock ready_lock_;
  // Its length, and its entries in order.
  std::atomic<unsigned> ready_count_{0};
  IntrusiveList<Entry, &EpollEntry::ready_hook> ready_;
  WaitQueue wait_;
  PollSource source_;
};

}  // namespace plumbline
