// The bits of page-table entries, and the way through the tables. For paging*.cc only.
#pragma once

#include <cstdint>

#include "arch/x86_64/paging_programs.hh"
#include "core/units.hh"
#include "memory/address.hh"

extern "C" {
extern std::uint64_t boot_pml4[512];
}

namespace plumbline::paging {

inline constexpr std::uint64_t kPresent = 1, kWrite = 2, kUser = 4, kUncached = 0x10,
                               kAccessed = 0x20, kDirty = 0x40, kLarge = 0x80,
                               kNoExecute = std::uint64_t{1} << 63;
// Ours, in bits that the CPU ignores (SDM volume 3, 4.5): the page belongs to the mapping and goes
// with it; the page is seen by whoever maps the same object.
inline constexpr std::uint64_t kOwned = 1 << 9, kShared = 1 << 10;
inline constexpr std::uint64_t kAddressMask = 0x000f'ffff'ffff'f000;

inline unsigned index_at(VirtualAddress address, unsigned level) {
  return static_cast<unsigned>(address.value >> (12 + 9 * level)) & 511;
}

// Bytes that an entry of `level` (0: 4 KiB, 1: 2 MiB, ...) stands for.
constexpr std::uint64_t span_of(unsigned level) { return kPageSize << (9 * level); }

inline std::uint64_t* table_of(std::uint64_t entry) {
  return to_virtual(PhysicalAddress{entry & kAddressMask}).as<std::uint64_t>();
}

extern PageFunctions page_functions;

// The top-level table that the address space's holder works on (program_tables.hh), and the one in
// this CPU's CR3.
extern std::uint64_t* program_root;
std::uint64_t* loaded_root();
// Writes an entry of program_root: in slot 0 its own, elsewhere that of all tables.
void store_top_entry(std::uint64_t& entry, std::uint64_t value);

// The entry of a new, empty table; 0 without memory.
std::uint64_t make_table();
// The entry for `address` at `level`; tables on the way are created. Null without memory.
std::uint64_t* entry_at(VirtualAddress address, unsigned level);

}  // namespace plumbline::paging
