#include "drivers/pci/msix.hh"

#include "arch/x86_64/mmio.hh"
#include "core/assert.hh"

namespace plumbline::pci {

MsixTable::MsixTable(Location location, Capability capability, VirtualAddress table)
    : location_(location),
      offset_(capability.offset),
      entries_((capability.dword >> 16 & 0x7ff) + 1),
      table_(table) {}

void MsixTable::set(unsigned index, MsiMessage message) {
  ASSERT(index < entries_);
  const VirtualAddress entry = table_ + 16 * index;
  // The specification allows 64-bit accesses here. The second one also clears the entry's mask bit,
  // so the address is complete before the entry can fire.
  mmio_write<uint64_t>(entry, message.address);
  mmio_write<uint64_t>(entry + 8, message.data);
}

void MsixTable::enable() {
  // Message control: enable, function mask off; its other bits are read-only.
  write16(location_, static_cast<uint16_t>(offset_ + 2), 0x8000);
}

}  // namespace plumbline::pci
