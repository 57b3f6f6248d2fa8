// mremap(2).
#include <new>

#include "core/units.hh"
#include "memory/address_space_state.hh"

namespace plumbline::address_space {
namespace {

// Linux, include/uapi/linux/mman.h.
constexpr unsigned kMayMove = 1, kFixed = 2, kDontUnmap = 4;

struct Move {
  std::uint64_t from, old_size, new_size;
  unsigned flags;
  std::uint64_t to;  // kFixed
};

// Where it goes: 0 is ENOMEM.
std::uint64_t target_of(const Move& move, const Area& area) {
  if ((move.flags & kFixed) != 0) return move.to;
  return find_room(move.new_size, 0, !area.object, area.attributes.small_pages);
}

Result<std::uint64_t> move_area(const Move& move, RemovedAreas& removed) {
  const std::uint64_t to_end = move.from + move.old_size;
  if ((move.flags & kFixed) != 0 && !state.areas.is_free(move.to, move.to + move.new_size)) {
    if (!split_at_ends(move.to, move.to + move.new_size)) return Errno::kENOMEM;
    remove_mapped(move.to, move.to + move.new_size, removed);
    state.changes.commit();
  }
  Area* moved = new (std::nothrow) Area;
  if (moved == nullptr) return Errno::kENOMEM;
  if (state.areas.count() + 3 > AreaTree::kMost || !split_at_ends(move.from, to_end)) {
    removed.add(moved);
    return Errno::kENOMEM;
  }
  const Area& area = *state.areas.find(move.from);
  const std::uint64_t to = target_of(move, area);
  if (to == 0) {
    removed.add(moved);
    return Errno::kENOMEM;
  }
  moved->attributes = area.attributes;
  moved->object = area.object;
  moved->offset = area.offset;
  moved->begin = to;
  moved->end = to + move.new_size;
  const std::uint64_t kept = move.old_size < move.new_size ? move.old_size : move.new_size;
  // Blocks of 2 MiB stay whole only between places that are alike to them.
  bool possible = true;
  if ((move.from ^ to) % kLargePageSize != 0) {
    for (std::uint64_t at = align_down(move.from, kLargePageSize); at < move.from + kept;
         at += kLargePageSize) {
      possible = possible && paging::split_block_at({at + kPageSize}, state.changes);
    }
  } else {
    possible = paging::split_block_at({move.from + kept}, state.changes);
  }
  if (possible && !paging::move_range(move.from, to, kept, state.changes)) {
    // Back with what has been moved: the tables are there.
    possible = false;
    paging::move_range(to, move.from, kept, state.changes);
  }
  if (!possible) {
    // The tables made for it go.
    paging::unmap_range(to, to + move.new_size, state.changes);
    removed.add(moved);
    return Errno::kENOMEM;
  }
  state.areas.insert(moved);
  if ((move.flags & kDontUnmap) == 0) {
    remove_mapped(move.from, to_end, removed);
  } else {
    paging::unmap_range(move.from, to_end, state.changes);
  }
  state.areas.merge(to, to + move.new_size, removed.list());
  return to;
}

// A second mapping of shared memory: what old_length = 0 asks for.
Result<std::uint64_t> map_again(const Area& area, const Move& move, RemovedAreas& removed) {
  if (!area.attributes.shared) return Errno::kEINVAL;
  if ((move.flags & kMayMove) == 0) return Errno::kENOMEM;
  if ((move.flags & kFixed) != 0 && !state.areas.is_free(move.to, move.to + move.new_size)) {
    return Errno::kENOMEM;
  }
  const std::uint64_t to = target_of(move, area);
  Area* again = to == 0 ? nullptr : new (std::nothrow) Area;
  if (again == nullptr || state.areas.count() >= AreaTree::kMost) {
    delete again;
    return Errno::kENOMEM;
  }
  again->attributes = area.attributes;
  again->object = area.object;
  again->offset = area.offset + (move.from - area.begin);
  again->begin = to;
  again->end = to + move.new_size;
  state.areas.insert(again);
  state.areas.merge(again->begin, again->end, removed.list());
  return to;
}

Result<std::uint64_t> remap_locked(const Move& move, RemovedAreas& removed) {
  Area* area = state.areas.find(move.from);
  if (area == nullptr) return Errno::kEFAULT;
  if (move.old_size == 0) return map_again(*area, move, removed);
  const bool fixed = (move.flags & kFixed) != 0;
  const std::uint64_t old_end = move.from + move.old_size;
  if (!fixed && move.new_size <= move.old_size && (move.flags & kDontUnmap) == 0) {
    // Shorter. As munmap: other areas may lie in what goes.
    if (move.new_size == move.old_size) return move.from;
    if (!split_at_ends(move.from + move.new_size, old_end)) return Errno::kENOMEM;
    remove_mapped(move.from + move.new_size, old_end, removed);
    return move.from;
  }
  if (old_end > area->end) return Errno::kEFAULT;
  if (move.new_size > move.old_size &&
      is_too_much(area->attributes, area->object.get(), move.new_size - move.old_size)) {
    return Errno::kENOMEM;
  }
  if (!fixed && (move.flags & kDontUnmap) == 0 && old_end == area->end) {
    const std::uint64_t new_end = move.from + move.new_size;
    if (is_application_range(move.from, move.new_size) && !crosses_window(move.from, new_end) &&
        state.areas.is_free(old_end, new_end)) {
      state.areas.resize(area, area->begin, new_end);
      state.areas.merge(new_end, new_end, removed.list());
      return move.from;
    }
  }
  if ((move.flags & kMayMove) == 0) return Errno::kENOMEM;
  return move_area(move, removed);
}

}  // namespace

Result<std::uint64_t> remap(AddressOwner, std::uint64_t address, std::uint64_t old_length,
                            std::uint64_t new_length, unsigned flags, std::uint64_t new_address) {
  const Move move{address, align_up(old_length, kPageSize), align_up(new_length, kPageSize), flags,
                  new_address};
  if ((flags & ~(kMayMove | kFixed | kDontUnmap)) != 0 || !is_page_aligned(address) ||
      move.new_size == 0 || ((flags & (kFixed | kDontUnmap)) != 0 && (flags & kMayMove) == 0) ||
      ((flags & kDontUnmap) != 0 && move.old_size != move.new_size) || move.old_size < old_length ||
      move.new_size < new_length) {
    return Errno::kEINVAL;
  }
  if ((flags & kFixed) != 0) {
    if (!is_page_aligned(new_address) || !is_application_range(new_address, move.new_size) ||
        (new_address < address + move.old_size && address < new_address + move.new_size)) {
      return Errno::kEINVAL;
    }
    if (new_address < kApplicationBegin) return Errno::kEPERM;
    if (crosses_window(new_address, new_address + move.new_size)) return Errno::kENOMEM;
  }
  if (!is_application_range(address, move.old_size)) return Errno::kEFAULT;
  if (move.new_size > kApplicationEnd) return Errno::kENOMEM;
  RemovedAreas removed;
  const StateGuard guard;
  const Result<std::uint64_t> result = remap_locked(move, removed);
  state.changes.commit();
  return result;
}

}  // namespace plumbline::address_space
