#include "memory/device_memory.hh"

#include "arch/x86_64/paging.hh"
#include "core/panic.hh"
#include "core/units.hh"

namespace plumbline {

VirtualAddress map_device_memory(PhysicalAddress address, std::size_t size) {
  if (address.value >= kDirectMapSize || size > kDirectMapSize - address.value) {
    panic("device memory at %#lx (%zu bytes) is beyond the direct map", address.value, size);
  }
  for (std::uint64_t at = align_down(address.value, kLargePageSize); at < address.value + size;
       at += kLargePageSize) {
    if (at < 4 * kGiB) continue;
    if (!paging::map_direct_large({at}, paging::Access::kReadWriteUncached)) {
      panic("no memory for the page tables of the device memory at %#lx", at);
    }
  }
  return to_virtual(address);
}

}  // namespace plumbline
