#include "arch/x86_64/paging_programs.hh"

#include <algorithm>

#include "arch/x86_64/paging_entries.hh"
#include "core/assert.hh"

namespace plumbline::paging {
namespace {

constexpr unsigned kBlockOrder = 9;

// A program's entry that means a page: not a table, not nothing. Blocks keep kLarge when they are
// not present.
bool is_leaf(std::uint64_t entry, unsigned level) {
  return level == 0 ? entry != 0 : (entry & kLarge) != 0;
}

std::uint64_t load(const std::uint64_t& entry) { return __atomic_load_n(&entry, __ATOMIC_ACQUIRE); }
// Release: what the page holds was written before.
void store(std::uint64_t& entry, std::uint64_t value) {
  __atomic_store_n(&entry, value, __ATOMIC_RELEASE);
}

// Accessed and dirty in advance: the CPU then never writes to the tables.
std::uint64_t bits_of(Rights rights, PageOwner owner) {
  std::uint64_t bits = kUser | kAccessed | kDirty;
  if (owner == PageOwner::kMapping) bits |= kOwned;
  if (owner == PageOwner::kSharedObject) bits |= kShared;
  if (rights.access) bits |= kPresent;
  if (rights.write && owner != PageOwner::kObject) bits |= kWrite;
  if (!rights.execute) bits |= kNoExecute;
  return bits;
}

PageOwner owner_of(std::uint64_t entry) {
  return (entry & kOwned) != 0    ? PageOwner::kMapping
         : (entry & kShared) != 0 ? PageOwner::kSharedObject
                                  : PageOwner::kObject;
}

// The entry of the page or block at `address`, or null.
std::uint64_t* leaf_at(std::uint64_t* table, VirtualAddress address, unsigned& level) {
#pragma GCC unroll 4
  for (unsigned at = 4; at-- > 0;) {
    std::uint64_t& entry = table[index_at(address, at)];
    const std::uint64_t value = load(entry);
    if (at <= 1 && is_leaf(value, at)) {
      level = at;
      return &entry;
    }
    if (at == 0 || (value & kPresent) == 0) return nullptr;
    table = table_of(value);
  }
  return nullptr;
}

// Skips groups of `Length` entries that are all empty, from `at`, if a group begins there.
template <unsigned Length>
std::uint64_t skip_groups(const std::uint64_t* table, std::uint64_t at, std::uint64_t end) {
  constexpr std::uint64_t kGroup = Length * kPageSize;
  if (at % kGroup != 0) return at;
  for (const std::uint64_t* group = table + index_at({at}, 0); at + kGroup <= end;
       at += kGroup, group += Length) {
    std::uint64_t any = 0;
#pragma GCC unroll 16
    for (unsigned i = 0; i < Length; ++i) any |= group[i];
    if (any != 0) break;
  }
  return at;
}

// From `at` on, the first address whose page has an entry, or that begins a group of entries, or
// `end`. Sixteen at a time: a stack that is given back is 2,048 entries, nearly all of them empty.
// It ends four pages before a group's end.
std::uint64_t skip_empty(const std::uint64_t* table, std::uint64_t at, std::uint64_t end) {
  return skip_groups<4>(table, skip_groups<16>(table, at, end), end);
}

bool is_empty(const std::uint64_t* table) {
  constexpr std::uint64_t kSpan = 512 * kPageSize;
  return skip_empty(table, 0, kSpan) == kSpan;
}

// Calls visit(entry, address, level) for all leaves in [begin, end), and then table_done(entry,
// address, level, whether it has such leaves) for the entry of every table. Returns whether there
// were any.
template <typename Visit, typename Table>
bool walk(std::uint64_t* table, unsigned level, std::uint64_t begin, std::uint64_t end,
          const Visit& visit, const Table& table_done) {
  bool any = false;
  for (std::uint64_t at = begin; at < end;) {
    if (level == 0 && (at = skip_empty(table, at, end)) >= end) break;
    const std::uint64_t next = align_down(at, span_of(level)) + span_of(level);
    std::uint64_t& entry = table[index_at({at}, level)];
    if (level <= 1 && is_leaf(entry, level)) {
      any = true;
      visit(entry, align_down(at, span_of(level)), level);
    } else if (level != 0 && (entry & kPresent) != 0) {
      const bool below =
          walk(table_of(entry), level - 1, at, next < end ? next : end, visit, table_done);
      any |= below;
      table_done(entry, at, level, below);
    }
    at = next;
  }
  return any;
}

// Pages with an entry in [begin, end). As walk(), but a table of pages is gone through without a
// look at where its entries lie: programs read how much memory they have (/proc/self/stat) many
// times a second, and have tens of thousands of pages.
std::uint64_t count_pages(const std::uint64_t* table, unsigned level, std::uint64_t begin,
                          std::uint64_t end) {
  std::uint64_t pages = 0;
  if (level == 0) {
    const std::uint64_t* entry = table + index_at({begin}, 0);
#pragma GCC unroll 8
    for (std::uint64_t left = (end - begin) / kPageSize; left != 0; --left)
      pages += is_leaf(*entry++, 0);
    return pages;
  }
  for (std::uint64_t at = begin; at < end;) {
    const std::uint64_t next = std::min(align_down(at, span_of(level)) + span_of(level), end);
    const std::uint64_t entry = table[index_at({at}, level)];
    if (level == 1 && is_leaf(entry, level))
      pages += (next - at) / kPageSize;
    else if ((entry & kPresent) != 0)
      pages += count_pages(table_of(entry), level - 1, at, next);
    at = next;
  }
  return pages;
}

template <typename Visit>
void walk(std::uint64_t begin, std::uint64_t end, const Visit& visit) {
  walk(program_root, 3, begin, end, visit, [](std::uint64_t&, std::uint64_t, unsigned, bool) {});
}

ProgramPage page_below(std::uint64_t* root, VirtualAddress address) {
  unsigned level;
  const std::uint64_t* entry = leaf_at(root, address, level);
  if (entry == nullptr) return {};
  const std::uint64_t value = load(*entry);
  if (!is_leaf(value, level)) return {};
  // Bit 12 of a block's entry is a part of its memory type, which we leave 0.
  return {{value & kAddressMask},
          true,
          level == 1,
          {(value & kPresent) != 0, (value & kWrite) != 0, (value & kNoExecute) == 0},
          owner_of(value)};
}

}  // namespace

ProgramPage program_page(VirtualAddress address) { return page_below(program_root, address); }

ProgramPage visible_page(VirtualAddress address) { return page_below(loaded_root(), address); }

bool map_program_page(VirtualAddress address, PhysicalAddress page, Rights rights,
                      PageOwner owner) {
  std::uint64_t* entry = entry_at(address, 0);
  if (entry == nullptr) return false;
  ASSERT(*entry == 0);
  store(*entry, page.value | bits_of(rights, owner));
  return true;
}

bool map_program_block(VirtualAddress address, PhysicalAddress block, Rights rights) {
  std::uint64_t* entry = entry_at(address, 1);
  if (entry == nullptr) return false;
  ASSERT(*entry == 0);
  store(*entry, block.value | bits_of(rights, PageOwner::kMapping) | kLarge);
  return true;
}

bool has_room_for_block(VirtualAddress address) {
  const std::uint64_t* table = program_root;
  for (unsigned level = 3;; --level) {
    const std::uint64_t entry = table[index_at(address, level)];
    if (entry == 0) return true;
    if (level == 1) return false;
    table = table_of(entry);
  }
}

void replace_program_page(VirtualAddress address, PhysicalAddress page, Rights rights,
                          PageOwner owner, Changes& changes) {
  unsigned level;
  std::uint64_t* entry = leaf_at(program_root, address, level);
  ASSERT(entry != nullptr && level == 0);
  const bool same_page = (*entry & kAddressMask) == page.value;
  const bool was_present = (*entry & kPresent) != 0;
  store(*entry, page.value | bits_of(rights, owner));
  const std::uint64_t begin = align_down(address.value, kPageSize);
  if (same_page) {
    changes.note_wider(begin, begin + kPageSize);
  } else if (was_present) {
    changes.note(begin, begin + kPageSize);
  }
}

bool split_block_at(VirtualAddress address, Changes& changes) {
  if (address.value % kLargePageSize == 0) return true;
  unsigned level;
  std::uint64_t* entry = leaf_at(program_root, address, level);
  if (entry == nullptr || level != 1) return true;
  const std::uint64_t block = *entry;
  const std::uint64_t table = make_table();
  if (table == 0) return false;
  page_functions.split({block & kAddressMask}, kBlockOrder);
  std::uint64_t* entries = table_of(table);
  for (unsigned i = 0; i < 512; ++i) entries[i] = (block & ~kLarge) + i * kPageSize;
  store(*entry, table);
  // Both translations mean the same, but a TLB must not keep both sizes once rights differ (SDM
  // volume 3, 4.10.2.3).
  const std::uint64_t begin = align_down(address.value, kLargePageSize);
  changes.note(begin, begin + kLargePageSize);
  return true;
}

void unmap_range(std::uint64_t begin, std::uint64_t end, Changes& changes, Tables tables) {
  walk(
      program_root, 3, begin, end,
      [&](std::uint64_t& entry, std::uint64_t address, unsigned level) {
        const std::uint64_t old = entry;
        ASSERT(address >= begin && address + span_of(level) <= end);
        store(entry, 0);
        if ((old & kPresent) != 0) changes.note(address, address + span_of(level));
        if ((old & kOwned) != 0) {
          changes.free_later({old & kAddressMask}, level == 1 ? kBlockOrder : 0);
        }
      },
      [&](std::uint64_t& entry, std::uint64_t address, unsigned level, bool lost) {
        if (!lost && tables == Tables::kThatLostPages) return;
        if (!is_empty(table_of(entry))) return;
        const std::uint64_t gone = entry & kAddressMask;
        if (level == 3) {
          store_top_entry(entry, 0);
        } else {
          store(entry, 0);
        }
        // CPUs may keep the way to a table as well as translations; flushing one page forgets all
        // such ways (SDM volume 3, 4.10.4.1).
        changes.note(align_down(address, kPageSize), align_down(address, kPageSize) + kPageSize);
        changes.free_table_later({gone});
      });
}

void protect_range(std::uint64_t begin, std::uint64_t end, Rights rights, Changes& changes) {
  walk(begin, end, [&](std::uint64_t& entry, std::uint64_t address, unsigned level) {
    const std::uint64_t old = entry;
    ASSERT(address >= begin && address + span_of(level) <= end);
    const std::uint64_t fresh = (old & (kAddressMask | kLarge)) | bits_of(rights, owner_of(old));
    if (fresh == old) return;
    store(entry, fresh);
    if ((old & kPresent) == 0) return;
    const bool narrower =
        (fresh & kPresent) == 0 || (old & kWrite & ~fresh) != 0 || (fresh & kNoExecute & ~old) != 0;
    if (narrower) {
      changes.note(address, address + span_of(level));
    } else {
      changes.note_wider(address, address + span_of(level));
    }
  });
}

bool move_range(std::uint64_t from, std::uint64_t to, std::uint64_t length, Changes& changes) {
  bool complete = true;
  walk(from, from + length, [&](std::uint64_t& entry, std::uint64_t address, unsigned level) {
    if (!complete) return;
    std::uint64_t* target = entry_at({address - from + to}, level);
    if (target == nullptr || (level == 1 && *target != 0)) {
      complete = false;
      return;
    }
    ASSERT(*target == 0);
    const std::uint64_t old = entry;
    store(entry, 0);
    store(*target, old);
    if ((old & kPresent) != 0) changes.note(address, address + span_of(level));
  });
  return complete;
}

std::uint64_t count_range(std::uint64_t begin, std::uint64_t end) {
  return count_pages(program_root, 3, begin, end);
}

void residency_of_range(std::uint64_t begin, std::uint64_t end, unsigned char* bytes) {
  for (std::uint64_t page = begin; page < end; page += kPageSize) {
    bytes[(page - begin) / kPageSize] = 0;
  }
  walk(begin, end, [&](std::uint64_t&, std::uint64_t address, unsigned level) {
    for (std::uint64_t page = address; page < address + span_of(level); page += kPageSize) {
      if (page >= begin && page < end) bytes[(page - begin) / kPageSize] = 1;
    }
  });
}

}  // namespace plumbline::paging
