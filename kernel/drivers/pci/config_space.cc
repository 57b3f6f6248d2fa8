#include "drivers/pci/config_space.hh"

#include "arch/x86_64/mmio.hh"

namespace plumbline::pci {
namespace {

// QEMU's microvm with pcie=on (hw/i386/microvm.h): its generic PCI Express host bridge has ECAM
// here and hands memory accesses between 3 GiB and ECAM to the bus. It boots without a firmware
// that knows PCI.
constexpr PhysicalAddress kMicrovmEcam{0xe0000000};
constexpr MemoryWindow kMicrovmWindow{0xc0000000, 0x20000000};
constexpr uint32_t kGenericBridgeId = 0x00081b36;  // vendor 0x1b36 (Red Hat), device 8

constexpr uint16_t kAddressPort = 0xcf8;
constexpr uint16_t kDataPort = 0xcfc;

Access how = Access::kNone;
bool probed = false;

VirtualAddress ecam_register(Location location, uint16_t offset) {
  return to_virtual(kMicrovmEcam +
                    (uint64_t{location.slot} << 15 | uint64_t{location.function} << 12 | offset));
}

void select_port(Location location, uint16_t offset) {
  port_out<uint32_t>(kAddressPort, 0x80000000u | uint32_t{location.slot} << 11 |
                                       uint32_t{location.function} << 8 | (offset & 0xfcu));
}

Access probe() {
  // One specific bridge, so that nothing else that lies at this address is taken for ECAM. An
  // unassigned address reads as zeros or ones.
  if (mmio_read<uint32_t>(ecam_register({0, 0}, kRegisterId)) == kGenericBridgeId)
    return Access::kEcam;
  // A PC has its host bridge at 00:00.0 behind the ports; without one they read as ones.
  select_port({0, 0}, kRegisterId);
  const uint32_t id = port_in<uint32_t>(kDataPort);
  return id == 0 || id == 0xffffffff ? Access::kNone : Access::kPorts;
}

}  // namespace

Access access() {
  if (!probed) {
    probed = true;
    how = probe();
  }
  return how;
}

uint32_t read32(Location location, uint16_t offset) {
  if (how == Access::kEcam) return mmio_read<uint32_t>(ecam_register(location, offset));
  select_port(location, offset);
  return port_in<uint32_t>(kDataPort);
}

uint64_t read64(Location location, uint16_t offset) {
  if (how == Access::kEcam) return mmio_read<uint64_t>(ecam_register(location, offset));
  const uint64_t low = read32(location, offset);
  return low | uint64_t{read32(location, static_cast<uint16_t>(offset + 4))} << 32;
}

void write32(Location location, uint16_t offset, uint32_t value) {
  if (how == Access::kEcam) return mmio_write<uint32_t>(ecam_register(location, offset), value);
  select_port(location, offset);
  port_out<uint32_t>(kDataPort, value);
}

void write16(Location location, uint16_t offset, uint16_t value) {
  if (how == Access::kEcam) return mmio_write<uint16_t>(ecam_register(location, offset), value);
  select_port(location, offset);
  port_out<uint16_t>(static_cast<uint16_t>(kDataPort + (offset & 2)), value);
}

std::optional<MemoryWindow> unassigned_bar_window() {
  if (how == Access::kEcam) return kMicrovmWindow;
  return std::nullopt;
}

}  // namespace plumbline::pci
