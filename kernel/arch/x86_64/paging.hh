// Page tables. Every entry has the user bit: on kvm_pvm touching a page without it never returns.
#pragma once

#include <cstdint>

#include "memory/address.hh"

namespace plumbline::paging {

enum class Access : std::uint8_t { kReadWrite, kReadWriteUncached };

// Where new tables come from: a zeroed page, or physical address 0 when there is none.
void set_table_source(PhysicalAddress (*source)());

// Maps one page of 4 KiB, not executable. False when there was no memory for a table. The page must
// not be mapped yet, so nothing has to be flushed.
bool map_page(VirtualAddress address, PhysicalAddress to);
// Maps the 2 MiB page around `to` into the direct map.
bool map_direct_large(PhysicalAddress to, Access access);
// True when `address` is mapped. Walks the tables, so a panic may ask about any address.
bool is_mapped(VirtualAddress address);

// Removes the mappings of low addresses that only the way up needed, and the image map's unused
// entries beyond `image_end`; after that page zero is unmapped. Other CPUs flush for themselves.
void remove_boot_mappings(PhysicalAddress image_end);
void flush_this_cpu();

}  // namespace plumbline::paging
