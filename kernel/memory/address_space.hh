// The lower half of the one address space: the programs' mappings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/reference.hh"
#include "core/result.hh"
#include "memory/address.hh"
#include "memory/memory_object.hh"

namespace plumbline {

// Who a mapping belongs to: a process number. At a process's end its mappings go.
using AddressOwner = std::uint32_t;

enum Protection : std::uint8_t { kProtectRead = 1, kProtectWrite = 2, kProtectExecute = 4 };

struct MapRequest {
  AddressOwner owner = 0;
  std::uint64_t hint = 0;    // page aligned; 0: anywhere
  std::uint64_t length = 0;  // bytes, rounded up to pages
  std::uint8_t protection = 0;
  // What mprotect may ask for later: without kProtectWrite for a shared mapping of a file that was
  // opened for reading only.
  std::uint8_t maximum_protection = kProtectRead | kProtectWrite | kProtectExecute;
  bool fixed = false;            // exactly at `hint`, replacing what is there (MAP_FIXED)
  bool fixed_noreplace = false;  // exactly at `hint`, kEEXIST when something is there
  bool shared = false;           // writes go to the object
  bool reserve_only = false;     // MAP_NORESERVE: not counted against memory
  bool populate = false;         // MAP_POPULATE
  bool grows_down = false;
  // A part of a program or a library, whose file does not change while it is used (MAP_DENYWRITE):
  // its data may be copied before it is written.
  bool image = false;
  // No pages of 2 MiB: for stacks, which are long and hardly used.
  bool small_pages = false;
  Ref<MemoryObject> object = {};  // none: anonymous
  std::uint64_t offset = 0;       // into the object, page aligned
  // Where nothing is asked for, the place ends at most here; 0: the usual.
  std::uint64_t below = 0;
  // Bytes of free addresses wanted directly below the mapping, for stubs that jump from it.
  std::uint64_t room_below = 0;
  const char* name = nullptr;  // for /proc/self/maps: "[heap]", "[stack]", "[vdso]"; a literal
};

// What became of a page fault.
enum class FaultOutcome : std::uint8_t {
  kResolved,
  kNotMapped,     // SIGSEGV, SEGV_MAPERR
  kNotAllowed,    // SIGSEGV, SEGV_ACCERR
  kBeyondObject,  // SIGBUS, BUS_ADRERR
  kOutOfMemory,   // the program ends with a clear message
};

enum class Access : std::uint8_t { kRead, kWrite, kExecute };

// An area, as /proc/self/maps shows it.
struct AreaDescription {
  std::uint64_t begin, end;
  std::uint8_t protection;
  bool shared;
  std::uint64_t offset, inode;
  AddressOwner owner;
  std::uint64_t resident_pages;
  const char* name;            // may be null
  const MemoryObject* object;  // may be null
};

// All functions may sleep and may be called by several threads at once. Errors are those of the
// Linux calls of the same purpose. Addresses are the programs' (below kApplicationEnd).
namespace address_space {

void initialise();

Result<std::uint64_t> map(const MapRequest& request);
Status unmap(std::uint64_t address, std::uint64_t length);
Status protect(std::uint64_t address, std::uint64_t length, std::uint8_t protection);
// mremap(2); `flags` are MREMAP_MAYMOVE, MREMAP_FIXED, MREMAP_DONTUNMAP.
Result<std::uint64_t> remap(AddressOwner owner, std::uint64_t address, std::uint64_t old_length,
                            std::uint64_t new_length, unsigned flags, std::uint64_t new_address);
// madvise(2).
Status advise(std::uint64_t address, std::uint64_t length, int advice);
// msync(2): kENOMEM when part of the range is not mapped.
Status check_mapped(std::uint64_t address, std::uint64_t length);
// mincore(2), one byte a page.
Status residency(std::uint64_t address, std::uint64_t length, unsigned char* bytes);

// Resolves a fault at `address`. Called with interrupts enabled, in the faulting thread.
FaultOutcome resolve_fault(std::uint64_t address, Access access);

// Removes the mappings of pages [first, end) of an object, then calls `free_pages` (unless null)
// before anything can be mapped again. What programs have changed of it for themselves goes as
// well where the object ends, and stays where it has a hole.
enum class PrivateCopies : std::uint8_t { kGo, kStay };
void forget_object_pages(MemoryObject& object, std::uint64_t first, std::uint64_t end,
                         PrivateCopies copies, void (*free_pages)(void* context) = nullptr,
                         void* context = nullptr);

// Where a word that several mappings may share lies, for futexes: kShared, and the physical address
// of its page, when `address` is mapped at this moment and shared. Only looks at the page tables:
// for holders of spinlocks, who touch the page first (touch_application) where it matters.
enum class SeenPage : std::uint8_t { kNone, kPrivate, kShared };  // kNone also: not to be touched
SeenPage object_page(std::uint64_t address, PhysicalAddress& page);

// Every other CPU passes a full memory barrier before this returns (membarrier(2)).
void synchronise_cpus();

// The end of the addresses that a program may have for itself: 512 GiB, what one slot of the
// top-level page table covers.
inline constexpr std::uint64_t kWindowEnd = std::uint64_t{512} << 30;
// Gives an owner low addresses (below kWindowEnd) of its own, for a program that cannot be placed
// elsewhere; until unmap_owner. kENOMEM.
Status open_window(AddressOwner owner);
// The running thread uses the low addresses of `owner`: its own or, without, those that all share.
// New threads of programs inherit that (ApplicationState::tables).
void enter_window(AddressOwner owner);

// Removes all mappings of a process.
void unmap_owner(AddressOwner owner);

// Calls `visit` for every area in order, for `owner` alone unless that is 0, until it returns
// false. `visit` must not call this module.
void for_each_area(AddressOwner owner, bool (*visit)(void* context, const AreaDescription&),
                   void* context);

// What shows at `address`, cheaply.
struct AreaPlace {
  std::uint64_t begin, offset;
  // May be null. To be compared, not used: nothing keeps it.
  const MemoryObject* object;
};
std::optional<AreaPlace> area_at(std::uint64_t address);

struct Usage {
  std::uint64_t mapped_bytes;
  std::uint64_t resident_bytes;
};
Usage usage(AddressOwner owner);

}  // namespace address_space
}  // namespace plumbline
