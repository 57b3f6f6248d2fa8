#include "drivers/virtio/pci_transport.hh"

#include "core/log.hh"
#include "drivers/virtio/device_name.hh"

namespace plumbline::virtio {
namespace {

// The common configuration's fields (virtio 1.2, 4.1.4.3).
constexpr unsigned kDeviceFeatureSelect = 0x00;
constexpr unsigned kDeviceFeature = 0x04;
constexpr unsigned kDriverFeatureSelect = 0x08;
constexpr unsigned kDriverFeature = 0x0c;
constexpr unsigned kDeviceStatus = 0x14;
constexpr unsigned kQueueSelect = 0x16;
constexpr unsigned kQueueSize = 0x18;
constexpr unsigned kQueueMsixVector = 0x1a;
constexpr unsigned kQueueEnable = 0x1c;
constexpr unsigned kQueueNotifyOffset = 0x1e;
constexpr unsigned kQueueDescriptors = 0x20;
constexpr unsigned kQueueAvailable = 0x28;
constexpr unsigned kQueueUsed = 0x30;

// The kinds of areas that a vendor capability names (virtio 1.2, 4.1.4).
constexpr unsigned kCommonConfiguration = 1;
constexpr unsigned kNotifyConfiguration = 2;
constexpr unsigned kDeviceConfiguration = 4;

constexpr uint16_t kVirtioVendor = 0x1af4;

// Registers are reachable where the direct map covers device memory.
bool is_mapped(uint64_t address, uint64_t size) {
  constexpr uint64_t kGiB = uint64_t{1} << 30;
  return address >= 3 * kGiB && address + size <= 4 * kGiB;
}

}  // namespace

uint16_t pci_device_type(const pci::Identity& identity) {
  if (identity.vendor != kVirtioVendor) return 0;
  if (identity.device >= 0x1040 && identity.device <= 0x107f)
    return static_cast<uint16_t>(identity.device - 0x1040);
  // Transitional devices (virtio 1.2, 4.1.2.1) have ids of their own.
  switch (identity.device) {
    case 0x1000:
      return 1;  // network
    case 0x1001:
      return 2;  // block
    case 0x1002:
      return 5;  // balloon
    case 0x1003:
      return 3;  // console
    case 0x1004:
      return 8;  // SCSI
    case 0x1005:
      return 4;  // entropy
    case 0x1009:
      return 9;  // 9P
    default:
      return 0;
  }
}

PciTransport::PciTransport(pci::Location location) : location_(location) {
  name_pci_device(name_, location.slot, location.function);
}

std::optional<VirtualAddress> PciTransport::map(Area area) {
  if (area.bar >= bars_.size()) return std::nullopt;
  auto& bar = bars_[area.bar];
  if (!bar) bar = pci::memory_bar(location_, area.bar);
  if (!bar) return std::nullopt;
  // Where we sized the BAR ourselves, the area must begin inside it.
  if (bar->size != 0 && area.offset >= bar->size) return std::nullopt;
  const PhysicalAddress address = bar->address + area.offset;
  if (!is_mapped(address.value, kPageSize)) return std::nullopt;
  return to_virtual(address);
}

bool PciTransport::initialise() {
  std::optional<Area> common, notify, device, table;
  std::optional<pci::Capability> msix;
  const auto read_area = [this](const pci::Capability& capability) {
    return Area{static_cast<uint8_t>(pci::second_dword(location_, capability)),
                pci::read32(location_, static_cast<uint16_t>(capability.offset + 8))};
  };
  pci::for_each_capability(location_, [&](pci::Capability capability) {
    if (capability.id == pci::kCapabilityMsix && !msix) {
      msix = capability;
      const uint32_t place = pci::second_dword(location_, capability);
      table = Area{static_cast<uint8_t>(place & 7), place & ~7u};
    } else if (capability.id == pci::kCapabilityVendor && capability.offset <= 0x100 - 20) {
      // The first area of a kind is the one the device prefers.
      const unsigned kind = capability.dword >> 24;
      if (kind == kCommonConfiguration && !common) common = read_area(capability);
      if (kind == kDeviceConfiguration && !device) device = read_area(capability);
      if (kind == kNotifyConfiguration && !notify) {
        notify = read_area(capability);
        notify_multiplier_ = pci::read32(location_, static_cast<uint16_t>(capability.offset + 16));
      }
    }
    return true;
  });
  if (!common || !notify || !device) {
    log_error("%s: no modern virtio interface; start QEMU without disable-modern=on", name());
    return false;
  }
  const auto common_at = map(*common);
  const auto notify_at = map(*notify);
  const auto device_at = map(*device);
  if (!common_at || !notify_at || !device_at) {
    log_error("%s: its registers are not in memory between 3 and 4 GiB", name());
    return false;
  }
  common_ = *common_at;
  notify_ = *notify_at;
  device_ = *device_at;
  if (msix) {
    if (const auto table_at = map(*table)) msix_.emplace(location_, *msix, *table_at);
  }
  // Written blind: of the command register's other bits none concerns us.
  pci::write16(location_, pci::kRegisterCommand,
               pci::kCommandMemory | pci::kCommandBusMaster | pci::kCommandNoIntx);
  return true;
}

uint8_t PciTransport::read_status() { return mmio_read<uint8_t>(common_ + kDeviceStatus); }
void PciTransport::write_status(uint8_t status) { mmio_write(common_ + kDeviceStatus, status); }

uint64_t PciTransport::read_features() {
  mmio_write<uint32_t>(common_ + kDeviceFeatureSelect, 0);
  const uint64_t low = mmio_read<uint32_t>(common_ + kDeviceFeature);
  mmio_write<uint32_t>(common_ + kDeviceFeatureSelect, 1);
  return low | uint64_t{mmio_read<uint32_t>(common_ + kDeviceFeature)} << 32;
}

void PciTransport::write_features(uint64_t features) {
  mmio_write<uint32_t>(common_ + kDriverFeatureSelect, 0);
  mmio_write(common_ + kDriverFeature, static_cast<uint32_t>(features));
  mmio_write<uint32_t>(common_ + kDriverFeatureSelect, 1);
  mmio_write(common_ + kDriverFeature, static_cast<uint32_t>(features >> 32));
}

uint32_t PciTransport::read_config32(unsigned offset) {
  return mmio_read<uint32_t>(device_ + offset);
}
uint16_t PciTransport::read_config16(unsigned offset) {
  return mmio_read<uint16_t>(device_ + offset);
}

uint16_t PciTransport::select_queue(uint16_t queue) {
  mmio_write(common_ + kQueueSelect, queue);
  return mmio_read<uint16_t>(common_ + kQueueSize);
}

bool PciTransport::connect_interrupt(uint16_t, const QueueInterrupt& interrupt) {
  // After a reset a queue has no vector, so a polled one needs nothing.
  if (interrupt.handler == nullptr) return true;
  if (!msix_ || msix_used_ == msix_->entries()) return false;
  const uint16_t entry = static_cast<uint16_t>(msix_used_);
  const unsigned vector = allocate_vector(interrupt.handler, interrupt.argument);
  if (entry == 0) msix_->enable();
  msix_->set(entry, msi_message(vector, interrupt.cpu));
  mmio_write(common_ + kQueueMsixVector, entry);
  // virtio 1.2, 4.1.5.1.2: a device short of resources says so here.
  if (mmio_read<uint16_t>(common_ + kQueueMsixVector) != entry) {
    free_vector(vector);
    return false;
  }
  ++msix_used_;
  return true;
}

Doorbell PciTransport::enable_queue(uint16_t queue, uint16_t size, uint16_t maximum,
                                    const QueueAddresses& addresses) {
  if (size != maximum) mmio_write(common_ + kQueueSize, size);
  const auto write_address = [this](unsigned offset, uint64_t address) {
    mmio_write(common_ + offset, static_cast<uint32_t>(address));
    // A reset device's addresses are 0: below 4 GiB the upper half is right already, and costs an
    // exit.
    if (address >> 32 != 0)
      mmio_write(common_ + (offset + 4), static_cast<uint32_t>(address >> 32));
  };
  write_address(kQueueDescriptors, addresses.descriptors);
  write_address(kQueueAvailable, addresses.available);
  write_address(kQueueUsed, addresses.used);
  const uint16_t notify_offset = mmio_read<uint16_t>(common_ + kQueueNotifyOffset);
  mmio_write<uint16_t>(common_ + kQueueEnable, 1);
  return {(notify_ + uint64_t{notify_offset} * notify_multiplier_).as(), queue, false};
}

}  // namespace plumbline::virtio
