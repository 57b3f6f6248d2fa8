// Advisory locks of a file: fcntl's record locks and flock's (fcntl_locking(2), flock(2)).
#pragma once

#include <atomic>
#include <cstdint>

#include "core/intrusive_list.hh"
#include "core/result.hh"
#include "sync/wait_queue.hh"

namespace plumbline {

class Vnode;

// One past the highest byte that can be locked.
inline constexpr std::uint64_t kLockEnd = std::uint64_t{1} << 63;

enum class LockType : std::uint8_t { kShared, kExclusive, kUnlock };

// Who holds or wants a lock: a process, by its number, or an open file, by its address.
struct LockOwner {
  std::uint64_t key = 0;
  bool is_process = false;
  bool operator==(const LockOwner&) const = default;

  static LockOwner of_process(std::uint32_t id) { return {id, true}; }
  static LockOwner of_file(const void* file) { return {reinterpret_cast<std::uint64_t>(file)}; }
};

// Bytes [begin, end) of a file.
struct FileLock {
  LockOwner owner;
  std::uint64_t begin = 0, end = kLockEnd;
  LockType type = LockType::kUnlock;
};

class FileLocks {
 public:
  enum class Kind : std::uint8_t { kRecord, kWhole };

  FileLocks() = default;
  ~FileLocks();
  FileLocks(const FileLocks&) = delete;
  FileLocks& operator=(const FileLocks&) = delete;

  // The locks of a vnode, made if need be. Null when memory is short.
  static FileLocks* of(Vnode& vnode);

  // Sets or removes a lock. When another owner's is in the way: kEAGAIN, or with `wait` waits for
  // it: kRestart; kEDEADLK when processes would wait for each other in a circle. kENOLCK: no
  // memory.
  Status set(Kind kind, const FileLock& wanted, bool wait);
  // The first lock that is in the way of `wanted`; its type is kUnlock when there is none.
  FileLock find_conflict(Kind kind, const FileLock& wanted);
  // Removes all that `owner` has.
  void drop(Kind kind, LockOwner owner);

 private:
  struct Held {
    ListHook hook;
    FileLock lock;
  };
  using HeldList = IntrusiveList<Held, &Held::hook>;

  HeldList& list(Kind kind) { return kind == Kind::kRecord ? records_ : whole_; }
  Held* conflict(HeldList& held, const FileLock& wanted);
  // Puts `wanted` in place of what its owner has there; uses up the spare nodes it needs.
  void replace(HeldList& held, const FileLock& wanted, Held* spares[2]);
  void changed();

  // Both in the order of their beginnings.
  HeldList records_, whole_;
  // Counts removals: who waits looks again.
  std::atomic<std::uint64_t> generation_{0};
  WaitQueue waiters_;
};

}  // namespace plumbline
