#include "memory/address_space.hh"

#include <algorithm>
#include <new>

#include "core/clock.hh"
#include "core/idle.hh"
#include "core/per_cpu.hh"
#include "core/units.hh"
#include "memory/address_space_state.hh"
#include "memory/pages.hh"

namespace plumbline::address_space {

constinit State state;

namespace {

AreaAttributes attributes_of(const MapRequest& request) {
  return {request.owner,       request.protection,   request.maximum_protection,
          request.shared,      request.reserve_only, request.grows_down,
          request.small_pages, request.image,        request.name};
}

// Where the mapping goes. With the lock.
Result<std::uint64_t> choose_address(const MapRequest& request, std::uint64_t length) {
  if (request.fixed || request.fixed_noreplace) {
    if (!is_page_aligned(request.hint)) return Errno::kEINVAL;
    if (!is_application_range(request.hint, length) ||
        crosses_window(request.hint, request.hint + length)) {
      return Errno::kENOMEM;
    }
    if (request.hint < kApplicationBegin) return Errno::kEPERM;
    if (request.fixed_noreplace && !state.areas.is_free(request.hint, request.hint + length)) {
      return Errno::kEEXIST;
    }
    return request.hint;
  }
  if (request.hint != 0 && request.hint < kApplicationEnd) {
    const std::uint64_t hint = std::max(align_up(request.hint, kPageSize), kApplicationBegin);
    const std::uint64_t room = std::min(request.room_below, hint - kApplicationBegin);
    if (is_application_range(hint, length) && !crosses_window(hint, hint + length) &&
        state.areas.is_free(hint - room, hint + length)) {
      return hint;
    }
  }
  const std::uint64_t found =
      find_room(length, request.room_below, !request.object, request.small_pages,
                request.below != 0 ? request.below : kSearchTop);
  if (found == 0) return Errno::kENOMEM;
  return found;
}

void populate(std::uint64_t begin, std::uint64_t end) {
  const Area* area = state.areas.find(begin);
  if (area == nullptr || area->attributes.protection == 0) return;
  const Access access =
      (area->attributes.protection & kProtectWrite) != 0 ? Access::kWrite : Access::kRead;
  for (std::uint64_t at = begin; at < end; at += kPageSize) {
    if (paging::program_page({at}).exists) continue;
    // As on Linux: what cannot be had now is not an error of mmap.
    if (resolve_in(*area, at, access) != FaultOutcome::kResolved) return;
  }
}

}  // namespace

StateGuard::StateGuard() {
  take();
  state.areas.choose(current_window());
}

void StateGuard::take() {
  if (state.lock.try_lock()) return;
  if (cpu_count() > 1) {
    const Deadline deadline = Deadline::after(microseconds(30));
    while (!deadline.passed()) {
      if (state.lock.try_lock()) return;
      for (int i = 0; i < 16; ++i) cpu_relax();
    }
  }
  state.lock.lock();
}

RemovedAreas::~RemovedAreas() {
  while (list_ != nullptr) {
    Area* area = list_;
    list_ = area->right;
    delete area;
  }
}

void initialise() {
  paging::initialise_programs({[](PhysicalAddress page, unsigned order) {
                                 free_pages({to_virtual(page).as<>(), order});
                               },
                               [](PhysicalAddress page, unsigned order) {
                                 split_pages({to_virtual(page).as<>(), order});
                               }});
}

bool is_too_much(const AreaAttributes& attributes, const MemoryObject* object,
                 std::uint64_t length) {
  return !attributes.reserve_only && !attributes.shared &&
         (attributes.protection & kProtectWrite) != 0 &&
         length / kPageSize > page_statistics().total_pages;
}

std::uint64_t find_room(std::uint64_t length, std::uint64_t room_below, bool anonymous,
                        bool small_pages, std::uint64_t top) {
  // Blocks of 2 MiB fit into what is aligned to them.
  if (anonymous && !small_pages && length >= kLargePageSize) {
    const std::uint64_t found =
        state.areas.find_gap(length, room_below, kLargePageSize, kApplicationBegin, top);
    if (found != 0) return found;
  }
  return state.areas.find_gap(length, room_below, kPageSize, kApplicationBegin, top);
}

bool split_at_ends(std::uint64_t begin, std::uint64_t end) {
  return state.areas.split(begin) && state.areas.split(end) &&
         paging::split_block_at({begin}, state.changes) &&
         paging::split_block_at({end}, state.changes);
}

void remove_mapped(std::uint64_t begin, std::uint64_t end, RemovedAreas& removed) {
  Area* area = state.areas.first_from(begin);
  while (area != nullptr && area->begin < end) {
    Area* next = state.areas.next(*area);
    paging::unmap_range(area->begin, area->end, state.changes);
    state.areas.remove(area);
    removed.add(area);
    area = next;
  }
}

Result<std::uint64_t> map(const MapRequest& request) {
  if (request.length == 0 || !is_page_aligned(request.offset)) return Errno::kEINVAL;
  const std::uint64_t length = align_up(request.length, kPageSize);
  if (length == 0 || length > kApplicationEnd) return Errno::kENOMEM;
  if (request.offset + length < request.offset) return Errno::kEOVERFLOW;
  const AreaAttributes attributes = attributes_of(request);
  if (is_too_much(attributes, request.object.get(), length)) return Errno::kENOMEM;
  Area* area = new (std::nothrow) Area;
  if (area == nullptr) return Errno::kENOMEM;
  area->attributes = attributes;
  area->object = request.object;
  area->offset = request.object ? request.offset : 0;

  RemovedAreas removed;
  const StateGuard guard;
  const Result<std::uint64_t> address = choose_address(request, length);
  if (!address) {
    removed.add(area);
    return address;
  }
  const std::uint64_t begin = *address, end = begin + length;
  if (request.fixed && !state.areas.is_free(begin, end)) {
    if (!split_at_ends(begin, end)) {
      state.changes.commit();
      removed.add(area);
      return Errno::kENOMEM;
    }
    remove_mapped(begin, end, removed);
    state.changes.commit();
  } else if (state.areas.count() >= AreaTree::kMost) {
    removed.add(area);
    return Errno::kENOMEM;
  }
  area->begin = begin;
  area->end = end;
  state.areas.insert(area);
  state.areas.merge(begin, end, removed.list());
  if (request.populate) populate(begin, end);
  state.changes.commit();
  return begin;
}

Status unmap(std::uint64_t address, std::uint64_t length) {
  const std::uint64_t size = align_up(length, kPageSize);
  if (!is_page_aligned(address) || size == 0 || size < length ||
      !is_application_range(address, size)) {
    return Errno::kEINVAL;
  }
  RemovedAreas removed;
  const StateGuard guard;
  if (state.areas.is_free(address, address + size)) return {};
  const bool split = split_at_ends(address, address + size);
  if (split) remove_mapped(address, address + size, removed);
  state.changes.commit();
  if (!split) return Errno::kENOMEM;
  return {};
}

Status protect(std::uint64_t address, std::uint64_t length, std::uint8_t protection) {
  const std::uint64_t size = align_up(length, kPageSize);
  if (!is_page_aligned(address)) return Errno::kEINVAL;
  if (length == 0) return {};
  if (size < length || !is_application_range(address, size)) return Errno::kENOMEM;
  const std::uint64_t end = address + size;
  RemovedAreas removed;
  const StateGuard guard;
  // As on Linux what lies before the first obstacle is changed.
  Status status;
  std::uint64_t reached = address;
  for (Area* area = state.areas.first_from(address); area != nullptr && area->begin < end;
       area = state.areas.next(*area)) {
    if (area->begin > reached) break;
    AreaAttributes attributes = area->attributes;
    const std::uint64_t stop = std::min(area->end, end);
    attributes.protection = protection;
    if ((protection & ~attributes.maximum_protection) != 0) {
      status = Errno::kEACCES;
    } else if ((area->attributes.protection & kProtectWrite) == 0 &&
               is_too_much(attributes, area->object.get(), stop - reached)) {
      status = Errno::kENOMEM;
    } else if (attributes == area->attributes) {
      reached = stop;
      continue;
    } else if (!split_at_ends(reached, stop)) {
      status = Errno::kENOMEM;
    }
    if (!status) break;
    area = state.areas.find(reached);
    area->attributes.protection = protection;
    paging::protect_range(reached, stop, rights_of(protection), state.changes);
    reached = stop;
  }
  if (status && reached < end) status = Errno::kENOMEM;
  state.areas.merge(address, reached, removed.list());
  state.changes.commit();
  return status;
}

namespace {

// Removes what a private mapping shows of its object, but not the copies of it that it has made.
void unmap_originals(std::uint64_t begin, std::uint64_t end) {
  for (std::uint64_t page = begin; page < end; page += kPageSize) {
    const paging::ProgramPage found = paging::program_page({page});
    if (found.exists && found.owner != paging::PageOwner::kMapping)
      paging::unmap_range(page, page + kPageSize, state.changes);
  }
}

}  // namespace

void forget_object_pages(MemoryObject& object, std::uint64_t first, std::uint64_t end,
                         PrivateCopies copies, void (*free_pages)(void* context), void* context) {
  const StateGuard guard;
  // An object's areas may lie in any window.
  for (Window* window = &common_window; window != nullptr; window = window->next) {
    state.areas.choose(*window);
    for (const MemoryObject* shown = &object; shown != nullptr; shown = shown->overlay) {
      for (Area* area = shown->areas; area != nullptr; area = area->next_in_object) {
        if (state.areas.find(area->begin) != area) continue;
        const std::uint64_t area_first = area->offset / kPageSize;
        const std::uint64_t area_end = area_first + area->length() / kPageSize;
        const std::uint64_t from = std::max(first, area_first), to = std::min(end, area_end);
        if (from >= to) continue;
        const std::uint64_t unmap_begin = area->begin + (from - area_first) * kPageSize;
        const std::uint64_t unmap_end = area->begin + (to - area_first) * kPageSize;
        if (copies == PrivateCopies::kStay && !area->attributes.shared) {
          unmap_originals(unmap_begin, unmap_end);
        } else {
          paging::unmap_range(unmap_begin, unmap_end, state.changes);
        }
      }
    }
  }
  state.changes.commit();
  if (free_pages != nullptr) free_pages(context);
}

void synchronise_cpus() {
  // The lock orders it with flushes, which use the same interrupt.
  const StateGuard guard;
  paging::synchronise_cpus();
}

void unmap_owner(AddressOwner owner) {
  RemovedAreas removed;
  const StateGuard guard;
  for (Window* window = &common_window; window != nullptr; window = window->next) {
    state.areas.choose(*window);
    for (Area* area = state.areas.first_from(0); area != nullptr;) {
      Area* next = state.areas.next(*area);
      if (area->attributes.owner == owner) {
        paging::unmap_range(area->begin, area->end, state.changes);
        state.areas.remove(area);
        removed.add(area);
      }
      area = next;
    }
    // The window itself stays for another owner: threads that are about to end may name it.
    if (window->owner == owner) window->owner = 0;
  }
  state.changes.commit();
}

}  // namespace plumbline::address_space
