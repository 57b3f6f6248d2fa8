// Questions about the address space.
#include <algorithm>

#include "arch/x86_64/interrupts.hh"
#include "core/units.hh"
#include "memory/address_space_state.hh"

namespace plumbline::address_space {
namespace {

// With the lock: the whole range is mapped.
bool is_mapped(std::uint64_t begin, std::uint64_t end) {
  while (begin < end) {
    const Area* area = state.areas.find(begin);
    if (area == nullptr) return false;
    begin = area->end;
  }
  return true;
}

AreaDescription describe(const Area& area) {
  const AreaAttributes& attributes = area.attributes;
  return {area.begin,
          area.end,
          attributes.protection,
          attributes.shared,
          area.offset,
          area.object ? area.object->inode() : 0,
          attributes.owner,
          paging::count_range(area.begin, area.end),
          attributes.name,
          area.object.get()};
}

}  // namespace

Status check_mapped(std::uint64_t address, std::uint64_t length) {
  const std::uint64_t size = align_up(length, kPageSize);
  if (!is_page_aligned(address)) return Errno::kEINVAL;
  if (size < length || !is_application_range(address, size)) return Errno::kENOMEM;
  const StateGuard guard;
  if (!is_mapped(address, address + size)) return Errno::kENOMEM;
  return {};
}

Status residency(std::uint64_t address, std::uint64_t length, unsigned char* bytes) {
  const std::uint64_t size = align_up(length, kPageSize);
  if (!is_page_aligned(address)) return Errno::kEINVAL;
  if (size < length || !is_application_range(address, size)) return Errno::kENOMEM;
  const std::uint64_t end = address + size;
  const StateGuard guard;
  if (!is_mapped(address, end)) return Errno::kENOMEM;
  paging::residency_of_range(address, end, bytes);
  // A file's page that is in memory counts whether it is mapped or not (mincore(2)).
  for (const Area* area = state.areas.find(address); area != nullptr && area->begin < end;
       area = state.areas.next(*area)) {
    if (!area->object) continue;
    for (std::uint64_t page = std::max(address, area->begin); page < std::min(end, area->end);
         page += kPageSize) {
      unsigned char& byte = bytes[(page - address) / kPageSize];
      if (byte == 0 && area->object->present_page(area->page_index(page), false).value != 0)
        byte = 1;
    }
  }
  return {};
}

std::optional<AreaPlace> area_at(std::uint64_t address) {
  const StateGuard guard;
  const Area* area = state.areas.find(address);
  if (area == nullptr) return {};
  return AreaPlace{area->begin, area->offset, area->object.get()};
}

void for_each_area(AddressOwner owner, bool (*visit)(void* context, const AreaDescription&),
                   void* context) {
  const StateGuard guard;
  // Of one owner: its window and what all share. Of all: every window, and what they share once.
  for (Window* window = owner != 0 ? &window_of(owner) : &common_window; window != nullptr;
       window = owner != 0 ? nullptr : window->next) {
    state.areas.choose(*window);
    for (const Area* area = state.areas.first_from(0); area != nullptr;
         area = state.areas.next(*area)) {
      if (owner == 0 && window->next != nullptr && area->begin >= kWindowEnd) break;
      if (owner != 0 && area->attributes.owner != owner) continue;
      if (!visit(context, describe(*area))) return;
    }
  }
}

Usage usage(AddressOwner owner) {
  Usage sum{};
  for_each_area(
      owner,
      [](void* context, const AreaDescription& area) {
        auto* total = static_cast<Usage*>(context);
        total->mapped_bytes += area.end - area.begin;
        total->resident_bytes += area.resident_pages * kPageSize;
        return true;
      },
      &sum);
  return sum;
}

SeenPage object_page(std::uint64_t address, PhysicalAddress& page) {
  if (address >= kApplicationEnd) return SeenPage::kNone;
  // Masked, so that no table is freed under the walk.
  const InterruptGuard masked;
  const paging::ProgramPage found = paging::visible_page({address});
  if (!found.exists) return SeenPage::kNone;
  if (found.owner != paging::PageOwner::kSharedObject) {
    return found.rights.access ? SeenPage::kPrivate : SeenPage::kNone;
  }
  page = found.page;
  return SeenPage::kShared;
}

}  // namespace plumbline::address_space
