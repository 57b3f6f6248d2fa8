// Where virtio devices are looked for: each place only as far as needed, since looking costs exits.
#include <array>

#include "core/boot_options.hh"
#include "core/log.hh"
#include "drivers/virtio/mmio_parameter.hh"
#include "drivers/virtio/mmio_transport.hh"
#include "drivers/virtio/pci_transport.hh"
#include "drivers/virtio/transport.hh"
#include "sync/mutex.hh"

namespace plumbline::virtio {
namespace {

BOOT_OPTION(TextList, mmio_devices, "virtio_mmio.device",
            "a virtio-mmio device, SIZE@BASE:GSI; QEMU's microvm adds its own");

// microvm's slots (QEMU, hw/i386/microvm.c), for a VMM that does not name its devices: 512 bytes
// each, and with ACPI 24 of them on the second I/O APIC, which begins at interrupt 24.
constexpr PhysicalAddress kMicrovmSlots{0xfeb00000};
constexpr unsigned kMicrovmSlotCount = 24;
constexpr unsigned kMicrovmSlotSize = 512;
constexpr unsigned kMicrovmFirstGsi = 24;

struct MmioDevice {
  PhysicalAddress base;
  unsigned gsi;
  uint16_t type;  // 0: none, or claimed
};
std::array<MmioDevice, 32> mmio_found;
unsigned mmio_count = 0;
bool mmio_listed = false;
bool slots_scanned = false;

std::array<bool, 64> function_claimed;

void add_mmio(PhysicalAddress base, unsigned gsi) {
  if (mmio_count == mmio_found.size()) return;
  const uint16_t type = probe_mmio(base);
  if (type != 0) mmio_found[mmio_count++] = {base, gsi, type};
}

void list_command_line_devices() {
  mmio_listed = true;
  for (const std::string_view text : mmio_devices.get()) {
    if (const auto parameter = parse_mmio_parameter(text))
      add_mmio({parameter->base}, parameter->gsi);
    else
      log_error(
          "virtio_mmio.device=%.*s: expected SIZE@BASE:GSI with a base between 3 and 4 GiB; "
          "ignored",
          static_cast<int>(text.size()), text.data());
  }
}

Transport* claim_mmio(DeviceType type) {
  for (unsigned i = 0; i < mmio_count; ++i) {
    MmioDevice& device = mmio_found[i];
    if (device.type != static_cast<uint16_t>(type)) continue;
    device.type = 0;
    return new MmioTransport(device.base, device.gsi);
  }
  return nullptr;
}

Transport* claim_pci(DeviceType type) {
  for (unsigned n = 0; n < function_claimed.size(); ++n) {
    const auto function = pci::nth_function(n);
    if (!function) return nullptr;
    if (function_claimed[n] || pci_device_type(*function) != static_cast<uint16_t>(type)) continue;
    function_claimed[n] = true;
    auto* const transport = new PciTransport(function->location);
    if (transport->initialise()) return transport;
    delete transport;
  }
  return nullptr;
}

}  // namespace

Transport* claim_device(DeviceType type) {
  // The late devices' thread and a program that opens the console may look at the same time.
  static constinit Mutex lock;
  const LockGuard guard(lock);
  if (!mmio_listed) list_command_line_devices();
  if (Transport* const transport = claim_mmio(type)) return transport;
  if (Transport* const transport = claim_pci(type)) return transport;
  if (!slots_scanned && mmio_devices.get().empty() && pci::access() == pci::Access::kNone) {
    slots_scanned = true;
    for (unsigned slot = 0; slot < kMicrovmSlotCount; ++slot)
      add_mmio(kMicrovmSlots + slot * kMicrovmSlotSize, kMicrovmFirstGsi + slot);
    return claim_mmio(type);
  }
  return nullptr;
}

}  // namespace plumbline::virtio
