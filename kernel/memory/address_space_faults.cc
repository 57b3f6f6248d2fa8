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
// Pages of one fault: 64 KiB of what takes memory, 16 KiB of a stack, 256 KiB of an object's pages
// that are there anyway.
constexpr unsigned kWindowOrder = 4, kStackWindowOrder = 2, kObjectWindowOrder = 6;
// A stack grows down to this size (the usual RLIMIT_STACK), and stays so far from what lies below
// (Linux: stack_guard_gap).
constexpr std::uint64_t kLongestStack = 8 * kMiB, kStackGuard = 256 * kPageSize;

// Memory is plentiful enough to give 2 MiB to who wants 4 KiB.
bool may_use_blocks() {
  const PageStatistics pages = page_statistics();
  return pages.free_pages > pages.total_pages / 8 + 512;
}

bool window_is_free(const Area& area, std::uint64_t page, unsigned order) {
  const std::uint64_t begin = align_down(page, kPageSize << order);
  const std::uint64_t end = begin + (kPageSize << order);
  if (begin < area.begin || end > area.end) return false;
  for (std::uint64_t at = begin; at < end; at += kPageSize) {
    if (paging::program_page({at}).exists) return false;
  }
  return true;
}

// The order, at most `most`, of the largest window around `page` that is free. A heap grows in
// steps that end within windows, so that often only a part of one can be had.
unsigned free_window(const Area& area, std::uint64_t page, unsigned most) {
  unsigned order = most;
  while (order != 0 && !window_is_free(area, page, order)) --order;
  return order;
}

bool block_is_free(const Area& area, std::uint64_t page) {
  const std::uint64_t begin = align_down(page, kLargePageSize);
  return page_size.get() != 0 && !area.attributes.small_pages && !area.attributes.grows_down &&
         begin >= area.begin && begin + kLargePageSize <= area.end &&
         paging::has_room_for_block({begin});
}

// Zeroed memory for a fault in an anonymous area. Clearing 2 MiB takes 100 us and more, so it is
// done without the address space's lock, and what is wanted is looked up again afterwards.
class FreshPages {
 public:
  FreshPages() = default;
  ~FreshPages() { give_back(); }
  FreshPages(const FreshPages&) = delete;
  FreshPages& operator=(const FreshPages&) = delete;

  // True when this holds what a fault at `page` needs; otherwise get() is next.
  bool suffice(const Area& area, std::uint64_t page) {
    if (area.object || paging::program_page({page}).exists) return true;
    const bool stack = area.attributes.small_pages || area.attributes.grows_down;
    const unsigned window = std::min(most_, stack ? kStackWindowOrder : kWindowOrder);
    // Not asked again with a block in hand, which may be the one that made memory scarce.
    const bool may_be_large =
        most_ == kBlockOrder && ((block_ && block_.order == kBlockOrder) || may_use_blocks());
    wanted_ =
        may_be_large && block_is_free(area, page) ? kBlockOrder : free_window(area, page, window);
    return block_ && block_.order == wanted_;
  }
  // False: there is no memory, not even for less.
  bool get() {
    give_back();
    block_ = allocate_program_pages(wanted_, Zeroed::kYes);
    if (block_) return true;
    most_ = wanted_ == kBlockOrder ? kWindowOrder : 0;
    return wanted_ != 0;
  }
  // Maps them around `page`. False without memory for a table.
  bool map(const Area& area, std::uint64_t page) {
    const paging::Rights rights = rights_of(area.attributes.protection);
    const std::uint64_t begin = align_down(page, block_.size());
    const PhysicalAddress from = block_.physical();
    area.untouched = std::min(area.untouched, begin);
    if (block_.order == kBlockOrder) {
      if (!paging::map_program_block({begin}, from, rights)) return false;
      block_ = {};
      return true;
    }
    // All entries lie in one table, so only the first can want one.
    if (!paging::map_program_page({begin}, from, rights, paging::PageOwner::kMapping)) return false;
    split_pages(block_);
    for (std::uint64_t offset = kPageSize; offset < block_.size(); offset += kPageSize) {
      const bool mapped = paging::map_program_page({begin + offset}, from + offset, rights,
                                                   paging::PageOwner::kMapping);
      ASSERT(mapped);
    }
    block_ = {};
    return true;
  }

 private:
  void give_back() {
    if (block_) free_pages(block_);
    block_ = {};
  }

  PageBlock block_;
  unsigned wanted_ = 0, most_ = kBlockOrder;
};

FaultOutcome outcome_of(Errno error) {
  return error == Errno::kENOMEM ? FaultOutcome::kOutOfMemory : FaultOutcome::kBeyondObject;
}

// Data of a program or a library: written sooner or later, most of it by ld.so at once. Other files
// may still change, and who maps them privately sees that in pages that were not written.
bool is_data(const Area& area) {
  return area.attributes.image && !area.attributes.shared &&
         (area.attributes.protection & kProtectWrite) != 0;
}

// Gives a private mapping a page of its own with the object's content, where nothing or the
// object's page is mapped.
FaultOutcome copy_object_page(const Area& area, std::uint64_t page) {
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
  if (paging::program_page({page}).exists) {
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

// The page that is wanted, and in a program's data those around it.
FaultOutcome copy_object_pages(const Area& area, std::uint64_t page) {
  const FaultOutcome outcome = copy_object_page(area, page);
  if (outcome != FaultOutcome::kResolved || !is_data(area)) return outcome;
  constexpr std::uint64_t kWindow = kPageSize << kWindowOrder;
  const std::uint64_t window = align_down(page, kWindow);
  const std::uint64_t begin = std::max(window, area.begin);
  const std::uint64_t end = std::min(window + kWindow, area.end);
  for (std::uint64_t at = begin; at < end; at += kPageSize) {
    const paging::ProgramPage now = paging::program_page({at});
    if (now.exists && now.owner != paging::PageOwner::kObject) continue;
    if (copy_object_page(area, at) != FaultOutcome::kResolved) break;
  }
  return outcome;
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
  constexpr std::uint64_t kWindow = kPageSize << kObjectWindowOrder;
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
  if (begin < kApplicationBegin + kStackGuard || crosses_window(begin, area->end) ||
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

// `fresh` suffices.
FaultOutcome resolve_with(const Area& area, std::uint64_t page, Access access, FreshPages& fresh) {
  const paging::ProgramPage now = paging::program_page({page});
  if (!now.exists) {
    if (!area.object) {
      return fresh.map(area, page) ? FaultOutcome::kResolved : FaultOutcome::kOutOfMemory;
    }
    if (!area.attributes.shared && (access == Access::kWrite || is_data(area))) {
      return copy_object_pages(area, page);
    }
    return map_object_pages(area, page);
  }
  // Another thread was here first, or this CPU had an old translation: a fault forgets it.
  if (access != Access::kWrite || now.rights.write) return FaultOutcome::kResolved;
  return copy_object_pages(area, page);
}

}  // namespace

FaultOutcome resolve_in(const Area& area, std::uint64_t address, Access access) {
  if (!allows(area.attributes.protection, access)) return FaultOutcome::kNotAllowed;
  const std::uint64_t page = align_down(address, kPageSize);
  FreshPages fresh;
  while (!fresh.suffice(area, page)) {
    if (!fresh.get()) return FaultOutcome::kOutOfMemory;
  }
  return resolve_with(area, page, access, fresh);
}

FaultOutcome resolve_fault(std::uint64_t address, Access access) {
  const std::uint64_t page = align_down(address, kPageSize);
  FreshPages fresh;
  do {
    const StateGuard guard;
    const Area* area = state.areas.find(address);
    if (area == nullptr) area = grow_stack(address);
    if (area == nullptr) return FaultOutcome::kNotMapped;
    if (!allows(area->attributes.protection, access)) return FaultOutcome::kNotAllowed;
    if (!fresh.suffice(*area, page)) continue;
    const FaultOutcome outcome = resolve_with(*area, page, access, fresh);
    state.changes.commit();
    return outcome;
  } while (fresh.get());
  return FaultOutcome::kOutOfMemory;
}

}  // namespace plumbline::address_space
