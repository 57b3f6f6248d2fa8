// What the parts of the address space share. For address_space*.cc only.
#pragma once

#include "arch/x86_64/paging_programs.hh"
#include "memory/address_space.hh"
#include "memory/application_memory.hh"
#include "memory/windows.hh"
#include "sync/mutex.hh"

namespace plumbline::address_space {

// Everything under one lock that sleeps. It is held while a fault is resolved; while it is held
// nothing touches a program's memory.
struct State {
  Mutex lock;
  Areas areas;
  paging::Changes changes;
};
extern State state;

// Holds the lock for a scope. It is held for some microseconds, a flush on other CPUs included, and
// sleeping costs more than that: waking a halted CPU takes 27 us and more on kvm_pvm. So with
// several CPUs it is waited for a while first.
class [[nodiscard]] StateGuard {
 public:
  StateGuard();
  ~StateGuard() { state.lock.unlock(); }
  StateGuard(const StateGuard&) = delete;
  StateGuard& operator=(const StateGuard&) = delete;

 private:
  static void take();
};

// Areas that have been taken out. They are freed, and let go of their objects, when the lock is
// held no more: an object's end may need any lock. So: declared before the guard.
class RemovedAreas {
 public:
  RemovedAreas() = default;
  ~RemovedAreas();
  RemovedAreas(const RemovedAreas&) = delete;
  RemovedAreas& operator=(const RemovedAreas&) = delete;

  void add(Area* area) {
    area->right = list_;
    list_ = area;
  }
  // For AreaTree::merge.
  Area*& list() { return list_; }

 private:
  Area* list_ = nullptr;
};

constexpr bool is_page_aligned(std::uint64_t address) { return address % kPageSize == 0; }

inline paging::Rights rights_of(std::uint8_t protection) {
  return {protection != 0, (protection & kProtectWrite) != 0, (protection & kProtectExecute) != 0};
}

// With the lock, all of these. Ranges are page aligned.

// Makes `begin` and `end` the ends of areas and of pages. False without memory.
bool split_at_ends(std::uint64_t begin, std::uint64_t end);
// Takes out what is mapped in a range whose ends are those of areas. The caller commits the changes
// before it unlocks.
void remove_mapped(std::uint64_t begin, std::uint64_t end, RemovedAreas& removed);
// Linux's heuristic (vm.overcommit_memory=0): more private writable memory in one piece than there
// is at all is refused.
bool is_too_much(const AreaAttributes& attributes, const MemoryObject* object,
                 std::uint64_t length);
// Where mappings without an address of their own are placed downwards from. Above it lie what the
// loader places itself: the main stack and the vDSO.
inline constexpr std::uint64_t kSearchTop = 0x7ffe'8000'0000;
// Free addresses for `length` bytes, anywhere below `top`. 0: none.
std::uint64_t find_room(std::uint64_t length, std::uint64_t room_below, bool anonymous,
                        bool small_pages, std::uint64_t top = kSearchTop);
// Resolves one fault in `area`.
FaultOutcome resolve_in(const Area& area, std::uint64_t address, Access access);

}  // namespace plumbline::address_space
