// Base address registers: where a function's registers appear in memory.
#pragma once

#include <optional>

#include "drivers/pci/config_space.hh"

namespace plumbline::pci {

struct Bar {
  PhysicalAddress address;
  uint64_t size;  // 0: not asked (the firmware had assigned it)
};

/// The memory BAR `index` (0 to 5). Where no firmware assigned it, it is sized and given a place,
/// naturally aligned. nullopt: an I/O BAR, none at all, an index or a kind that does not exist, or
/// the window is full. Costs 1 or 2 exits when assigned already, 4 or 5 when not (ECAM). Memory
/// decoding must still be off then.
std::optional<Bar> memory_bar(Location location, unsigned index);

}  // namespace plumbline::pci
