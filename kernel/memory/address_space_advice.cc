// madvise(2).
#include <algorithm>
#include <cstring>

#include "core/units.hh"
#include "memory/address_space_state.hh"

namespace plumbline::address_space {
namespace {

// Linux, include/uapi/asm-generic/mman-common.h.
enum Advice {
  kNormal = 0,
  kRandom = 1,
  kSequential = 2,
  kWillNeed = 3,
  kDontNeed = 4,
  kFree = 8,
  kRemove = 9,
  kDontFork = 10,
  kDoFork = 11,
  kMergeable = 12,
  kUnmergeable = 13,
  kHugePage = 14,
  kNoHugePage = 15,
  kDontDump = 16,
  kDoDump = 17,
  kWipeOnFork = 18,
  kKeepOnFork = 19,
  kCold = 20,
  kPageOut = 21,
  kPopulateRead = 22,
  kPopulateWrite = 23,
  kDontNeedLocked = 24,
};

// Gives the pages of a part of an area back; what is read afterwards is zeros or the object's.
// Without memory to split a block of 2 MiB, its part is cleared instead, which looks the same.
void discard(const Area& area, std::uint64_t begin, std::uint64_t end) {
  const bool knows = !area.object && begin <= std::max(area.begin, area.untouched);
  if (knows) {
    if (end <= area.untouched) return;
    begin = std::max(begin, area.untouched);
  }
  const std::uint64_t asked_begin = begin, asked_end = end;
  for (const std::uint64_t edge : {begin, end}) {
    if (paging::split_block_at({edge}, state.changes)) continue;
    const std::uint64_t block = align_down(edge, kLargePageSize);
    const std::uint64_t from = std::max(begin, block);
    const std::uint64_t to = std::min(end, block + kLargePageSize);
    std::memset(to_virtual(paging::program_page({edge}).page + (from - block)).as<>(), 0,
                to - from);
    if (edge == begin) begin = to;
    if (edge == end) end = from;
  }
  if (begin < end) {
    paging::unmap_range(begin, end, state.changes, paging::Tables::kThatLostPages);
  }
  if (knows && begin == asked_begin && end == asked_end) area.untouched = end;
}

Status populate(const Area& area, std::uint64_t begin, std::uint64_t end, Access access) {
  for (std::uint64_t page = begin; page < end; page += kPageSize) {
    switch (resolve_in(area, page, access)) {
      case FaultOutcome::kResolved:
        break;
      case FaultOutcome::kOutOfMemory:
        return Errno::kENOMEM;
      case FaultOutcome::kBeyondObject:
        return Errno::kEFAULT;
      case FaultOutcome::kNotAllowed:
      case FaultOutcome::kNotMapped:
        return Errno::kEINVAL;
    }
  }
  return {};
}

// Maps what an object has, so that it does not fault.
void bring_in(const Area& area, std::uint64_t begin, std::uint64_t end) {
  if (!area.object || area.attributes.protection == 0) return;
  for (std::uint64_t page = begin; page < end; page += kPageSize) {
    if (paging::program_page({page}).exists) continue;
    if (area.object->present_page(area.page_index(page), false).value == 0) continue;
    if (resolve_in(area, page, Access::kRead) != FaultOutcome::kResolved) return;
  }
}

// Advice that is taken for [begin, end), a part of one area.
Status apply(Area& area, std::uint64_t begin, std::uint64_t end, int advice) {
  const bool private_anonymous = !area.object && !area.attributes.shared;
  switch (advice) {
    case kDontNeed:
    case kDontNeedLocked:
      discard(area, begin, end);
      return {};
    case kFree:
      if (!private_anonymous) return Errno::kEINVAL;
      discard(area, begin, end);
      return {};
    case kWillNeed:
      bring_in(area, begin, end);
      return {};
    case kPopulateRead:
      return populate(area, begin, end, Access::kRead);
    case kPopulateWrite:
      return populate(area, begin, end, Access::kWrite);
    case kWipeOnFork:
      if (!private_anonymous) return Errno::kEINVAL;
      return {};
    case kHugePage:
    case kNoHugePage: {
      const bool small = advice == kNoHugePage;
      if (area.attributes.small_pages == small) return {};
      if (!state.areas.split(begin) || !state.areas.split(end)) return Errno::kENOMEM;
      state.areas.find(begin)->attributes.small_pages = small;
      return {};
    }
    default:
      // There is no swap, no fork, no dump and nothing that merges pages: nothing to do.
      return {};
  }
}

bool is_known(int advice) {
  return (advice >= kNormal && advice <= kDontNeed) ||
         (advice >= kFree && advice <= kDontNeedLocked);
}

// A hole in what a shared mapping of [begin, end), a part of one area, shows.
struct Hole {
  Ref<MemoryObject> object;
  std::uint64_t offset, end;  // the end is an address
};

Result<Hole> find_hole(std::uint64_t begin, std::uint64_t end) {
  const StateGuard guard;
  Area* const area = state.areas.find(begin);
  if (area == nullptr) return Errno::kENOMEM;
  if (!area->object) return Errno::kEINVAL;
  if (!area->attributes.shared || (area->attributes.maximum_protection & kProtectWrite) == 0)
    return Errno::kEACCES;
  return Hole{area->object, area->page_index(begin) * kPageSize, std::min(end, area->end)};
}

// The object's lock comes before the address space's: hence one area after the other.
Status make_holes(std::uint64_t begin, std::uint64_t end) {
  while (begin < end) {
    const Result<Hole> hole = find_hole(begin, end);
    if (!hole) return hole.error();
    if (const Status status = hole->object->remove(hole->offset, hole->end - begin); !status)
      return status;
    begin = hole->end;
  }
  return {};
}

}  // namespace

Status advise(std::uint64_t address, std::uint64_t length, int advice) {
  const std::uint64_t size = align_up(length, kPageSize);
  if (!is_known(advice) || !is_page_aligned(address) || size < length || address + size < address) {
    return Errno::kEINVAL;
  }
  if (size == 0) return {};
  if (!is_application_range(address, size)) return Errno::kENOMEM;
  const std::uint64_t end = address + size;
  if (advice == kRemove) return make_holes(address, end);
  RemovedAreas removed;
  const StateGuard guard;
  // Holes are skipped, and told of when all is done.
  Status status;
  std::uint64_t at = address;
  while (at < end) {
    Area* area = state.areas.first_from(at);
    if (area == nullptr || area->begin >= end) {
      status = Errno::kENOMEM;
      break;
    }
    if (area->begin > at) {
      status = Errno::kENOMEM;
      at = area->begin;
    }
    const std::uint64_t stop = std::min(end, area->end);
    const Status applied = apply(*area, at, stop, advice);
    if (!applied) {
      status = applied;
      break;
    }
    at = stop;
  }
  if (advice == kHugePage || advice == kNoHugePage) {
    state.areas.merge(address, end, removed.list());
  }
  state.changes.commit();
  return status;
}

}  // namespace plumbline::address_space
