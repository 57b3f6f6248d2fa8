// Registers of devices whose addresses lie above 4 GiB.
#pragma once

#include <cstddef>

#include "memory/address.hh"

namespace plumbline {

// Makes device memory accessible, uncached, and returns its address; below 4 GiB it is accessible
// already. Panics without memory for page tables, or beyond the direct map's 512 GiB.
VirtualAddress map_device_memory(PhysicalAddress address, std::size_t size);

}  // namespace plumbline
