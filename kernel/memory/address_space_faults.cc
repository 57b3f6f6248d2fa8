// Page faults: what makes mappings have pages.
//
// A fault costs 3.9 us on kvm_pvm and the first touch of a page another 3.1 us, so that a fault
// brings in what is probably wanted next: a block of 2 MiB, or the pages around.
#include <algorithm>
#include <cstring>

#include "core/assert.hh"
#include "core/boot_options.hh"
#include "core/units.hh"
#include "memory/address_space_state.hh"
#include "memory/pages.hh"

namespace plumbline::address_space {
namespace {

constexpr const char* kPageSizes[] = {"4k", "2m"};
BOOT_OPTION(Choice, page_size, "memory.pages", 1, kPageSizes,
            "pages of programs' large anonymous mappings");

constexpr unsigned kBlockOrder = 9;
// Pages of one fault: 64 KiB of what is used as a whole, 16 KiB of a stack.
constexpr unsigned kWindowOrder = 4, kStackWindowOrder = 2;
// A stack grows down to this size (the usual RLIMIT_STACK), and stays so far from what lies below
// (Linux: stack_guard_gap).
constexpr std::uint64_t kLongestStack = 8 * kMiB, kStackGuard = 256 * kPageSize;

// Memory is plentiful enough to give 2 MiB to who wants 4 KiB.
bool may_use_blocks() {
  const PageStatistics pages = page_statistics();
  return pages.free_pages > pages.total_pages / 8 + 512;
}

bool map_block(const Area& area, std::uint64_t address) {
  const std::uint64_t begin = align_down(address, kLargePageSize);
  if (page_size.get() == 0 || area.attributes.small_pages || area.attributes.grows_down ||
      begin < area.begin || begin + kLargePageSize > area.end ||
      !paging::has_room_for_block({begin}) || !may_use_blocks()) {
    return false;
  }
  const PageBlock block = allocate_program_pages(kBlockOrder, Zeroed::kYes);
  if (!block) return false;
  if (paging::map_program_block({begin}, block.physical(), rights_of(area.attributes.protection)))
    return true;
  free_pages(block);
  return false;
}

bool map_one_page(const Area& area, std::uint64_t page) {
  const PageBlock block = allocate_program_pages(0, Zeroed::kYes);
  if (!block) return false;
  if (paging::map_program_page({page}, block.physical(), rights_of(area.attributes.protection),
                               paging::PageOwner::kMapping)) {
    return true;
  }
  free_pages(block);
  return false;
}

// A whole aligned window from one block of memory.
bool map_window(const Area& area, std::uint64_t page, unsigned order) {
  const std::uint64_t size = kPageSize << order;
  const std::uint64_t begin = align_down(page, size);
  if (begin < area.begin || begin + size > area.end) return false;
  for (std::uint64_t at = begin; at < begin + size; at += kPageSize) {
    if (paging::program_page({at}).exists) return false;
  }
  const PageBlock block = allocate_program_pages(order, Zeroed::kYes);
  if (!block) return false;
  split_pages(block);
  for (std::uint64_t offset = 0; offset < size; offset += kPageSize) {
    if (paging::map_program_page({begin + offset}, block.physical() + offset,
                                 rights_of(area.attributes.protection),
                                 paging::PageOwner::kMapping)) {
      continue;
    }
    // All entries lie in one table, so it is the first that fails, for want of that table.
    ASSERT(offset == 0);
    for (; offset < size; offset += kPageSize) {
      free_pages({to_virtual(block.physical() + offset).as<>(), 0});
    }
    return false;
  }
  return true;
}

FaultOutcome resolve_anonymous(const Area& area, std::uint64_t page) {
  if (map_block(area, page)) return FaultOutcome::kResolved;
  const bool stack = area.attributes.small_pages || area.attributes.grows_down;
  if (map_window(area, page, stack ? kStackWindowOrder : kWindowOrder)) {
    return FaultOutcome::kResolved;
  }
  return map_one_page(area, page) ? FaultOutcome::kResolved : FaultOutcome::kOutOfMemory;
}

FaultOutcome outcome_of(Errno error) {
  return error == Errno::kENOMEM ? FaultOutcome::kOutOfMemory : FaultOutcome::kBeyondObject;
}

// Gives a private mapping a page of its own with the object's content. `present`: in place of the
// object's page, which is mapped.
FaultOutcome copy_object_page(const Area& area, std::uint64_t page, bool present) {
  const std::uint64_t index = area.page_index(page);
  const Result<PhysicalAddress> from = area.object->page(index, false);
  if (!from) return outcome_of(from.error());
  const PageBlock copy = allocate_program_pages(0);
  if (!copy) return FaultOutcome::kOutOfMemory;
  // What lies behind the object's end in its last page reads as zeros, and ld.so relies on it.
  const std::uint64_t size = area.object->size(), begin = index * kPageSize;
  const std::size_t there =
      size > begin ? std::min<std::uint64_t>(kPageSize, size - begin) : std::size_t{0};
  auto* bytes = static_cast<std::byte*>(copy.data);
  std::memcpy(bytes, to_virtual(*from).as<const std::byte>(), there);
  std::memset(bytes + there, 0, kPageSize - there);
  const paging::Rights rights = rights_of(area.attributes.protection);
  if (present) {
    paging::replace_program_page({page}, copy.physical(), rights, paging::PageOwner::kMapping,
                                 state.changes);
    return FaultOutcome::kResolved;
  }
  if (paging::map_program_page({page}, copy.physical(), rights, paging::PageOwner::kMapping)) {
    return FaultOutcome::kResolved;
  }
  free_pages(copy);
  return FaultOutcome::kOutOfMemory;
}

// Maps the object's own page, and those around it that cost nothing.
FaultOutcome map_object_pages(const Area& area, std::uint64_t page) {
  const auto owner =
      area.attributes.shared ? paging::PageOwner::kSharedObject : paging::PageOwner::kObject;
  const paging::Rights rights = rights_of(area.attributes.protection);
  const bool writable = area.attributes.shared && rights.write;
  const Result<PhysicalAddress> found = area.object->page(area.page_index(page), writable);
  if (!found) return outcome_of(found.error());
  if (!paging::map_program_page({page}, *found, rights, owner)) return FaultOutcome::kOutOfMemory;
  constexpr std::uint64_t kWindow = kPageSize << kWindowOrder;
  const std::uint64_t window = align_down(page, kWindow);
  const std::uint64_t begin = std::max(window, area.begin);
  const std::uint64_t end = std::min(window + kWindow, area.end);
  for (std::uint64_t at = begin; at < end; at += kPageSize) {
    if (paging::program_page({at}).exists) continue;
    const PhysicalAddress near = area.object->present_page(area.page_index(at), writable);
    if (near.value != 0 && !paging::map_program_page({at}, near, rights, owner)) break;
  }
  return FaultOutcome::kResolved;
}

// A stack that may grow down to `address`; null: none.
const Area* grow_stack(std::uint64_t address) {
  Area* area = state.areas.first_from(address);
  if (area == nullptr || !area->attributes.grows_down || area->end - address > kLongestStack) {
    return nullptr;
  }
  const std::uint64_t begin = align_down(address, kPageSize);
  if (begin < kApplicationBegin + kStackGuard ||
      !state.areas.is_free(begin - kStackGuard, area->begin)) {
    return nullptr;
  }
  if (area->object) area->offset -= area->begin - begin;
  state.areas.resize(area, begin, area->end);
  return area;
}

bool allows(std::uint8_t protection, Access access) {
  switch (access) {
    case Access::kWrite:
      return (protection & kProtectWrite) != 0;
    case Access::kExecute:
      return (protection & kProtectExecute) != 0;
    case Access::kRead:
      break;
  }
  // x86 cannot forbid reading what may be written or executed.
  return protection != 0;
}

}  // namespace

FaultOutcome resolve_in(const Area& area, std::uint64_t address, Access access) {
  if (!allows(area.attributes.protection, access)) return FaultOutcome::kNotAllowed;
  const std::uint64_t page = align_down(address, kPageSize);
  const paging::ProgramPage now = paging::program_page({page});
  if (!now.exists) {
    if (!area.object) return resolve_anonymous(area, page);
    if (!area.attributes.shared && access == Access::kWrite) {
      return copy_object_page(area, page, false);
    }
    return map_object_pages(area, page);
  }
  // Another thread was here first, or this CPU had an old translation: a fault forgets it.
  if (access != Access::kWrite || now.rights.write) return FaultOutcome::kResolved;
  return copy_object_page(area, page, true);
}

FaultOutcome resolve_fault(std::uint64_t address, Access access) {
  const LockGuard guard(state.lock);
  const Area* area = state.areas.find(address);
  if (area == nullptr) area = grow_stack(address);
  if (area == nullptr) return FaultOutcome::kNotMapped;
  const FaultOutcome outcome = resolve_in(*area, address, access);
  state.changes.commit();
  return outcome;
}

}  // namespace plumbline::address_space
