#include "drivers/virtio/mmio_transport.hh"

#include "core/log.hh"
#include "drivers/virtio/device_name.hh"

namespace plumbline::virtio {
namespace {

// Register offsets (virtio 1.2, 4.2.2).
constexpr unsigned kMagic = 0x000;
constexpr unsigned kVersion = 0x004;
constexpr unsigned kDeviceId = 0x008;
constexpr unsigned kDeviceFeatures = 0x010;
constexpr unsigned kDeviceFeaturesSelect = 0x014;
constexpr unsigned kDriverFeatures = 0x020;
constexpr unsigned kDriverFeaturesSelect = 0x024;
constexpr unsigned kQueueSelect = 0x030;
constexpr unsigned kQueueSizeMaximum = 0x034;
constexpr unsigned kQueueSize = 0x038;
constexpr unsigned kQueueReady = 0x044;
constexpr unsigned kQueueNotify = 0x050;
constexpr unsigned kInterruptAcknowledge = 0x064;
constexpr unsigned kStatus = 0x070;
constexpr unsigned kQueueDescriptors = 0x080;
constexpr unsigned kQueueAvailable = 0x090;
constexpr unsigned kQueueUsed = 0x0a0;
constexpr unsigned kConfiguration = 0x100;

constexpr uint32_t kMagicValue = 0x74726976;  // "virt"
constexpr uint32_t kUsedBufferInterrupt = 1;
constexpr uint32_t kConfigurationInterrupt = 2;

}  // namespace

MmioTransport::MmioTransport(PhysicalAddress base, unsigned gsi)
    : base_(to_virtual(base)), gsi_(gsi) {
  name_mmio_device(name_, base.value);
}

uint8_t MmioTransport::read_status() { return static_cast<uint8_t>(read(kStatus)); }
void MmioTransport::write_status(uint8_t status) { write(kStatus, status); }

uint64_t MmioTransport::read_features() {
  write(kDeviceFeaturesSelect, 0);
  const uint64_t low = read(kDeviceFeatures);
  write(kDeviceFeaturesSelect, 1);
  return low | uint64_t{read(kDeviceFeatures)} << 32;
}

void MmioTransport::write_features(uint64_t features) {
  write(kDriverFeaturesSelect, 0);
  write(kDriverFeatures, static_cast<uint32_t>(features));
  write(kDriverFeaturesSelect, 1);
  write(kDriverFeatures, static_cast<uint32_t>(features >> 32));
}

uint32_t MmioTransport::read_config32(unsigned offset) {
  return mmio_read<uint32_t>(base_ + (kConfiguration + offset));
}
uint16_t MmioTransport::read_config16(unsigned offset) {
  return mmio_read<uint16_t>(base_ + (kConfiguration + offset));
}

uint16_t MmioTransport::select_queue(uint16_t queue) {
  write(kQueueSelect, queue);
  const uint32_t maximum = read(kQueueSizeMaximum);
  return static_cast<uint16_t>(maximum > 0x8000 ? 0x8000 : maximum);
}

void MmioTransport::interrupted(void* argument) {
  auto& transport = *static_cast<MmioTransport*>(argument);
  // The line falls only when every reason is acknowledged, and only a rising line interrupts again.
  // Both reasons are acknowledged without asking which it was: reading costs an exit, and a reason
  // that came up between the read and the acknowledgement would keep the line high for ever.
  transport.write(kInterruptAcknowledge, kUsedBufferInterrupt | kConfigurationInterrupt);
  for (unsigned i = 0; i < transport.handler_count_; ++i)
    transport.handlers_[i].handler(transport.handlers_[i].argument);
}

bool MmioTransport::connect_interrupt(uint16_t, const QueueInterrupt& interrupt) {
  if (interrupt.handler == nullptr) return true;
  if (handler_count_ == kMostHandlers) return false;
  if (!routed_) {
    // One line for all queues: it goes where the first one wants it.
    const unsigned vector = allocate_vector(interrupted, this);
    if (!ioapic_route(gsi_, vector, interrupt.cpu, Trigger::kEdge)) {
      log_warning("%s: no I/O APIC has interrupt %u; the device is polled", name(), gsi_);
      free_vector(vector);
      return false;
    }
    routed_ = true;
  }
  handlers_[handler_count_++] = interrupt;
  return true;
}

Doorbell MmioTransport::enable_queue(uint16_t queue, uint16_t size, uint16_t,
                                     const QueueAddresses& addresses) {
  write(kQueueSize, size);
  const auto write_address = [this](unsigned offset, uint64_t address) {
    write(offset, static_cast<uint32_t>(address));
    write(offset + 4, static_cast<uint32_t>(address >> 32));
  };
  write_address(kQueueDescriptors, addresses.descriptors);
  write_address(kQueueAvailable, addresses.available);
  write_address(kQueueUsed, addresses.used);
  write(kQueueReady, 1);
  return {(base_ + kQueueNotify).as(), queue, true};
}

uint16_t probe_mmio(PhysicalAddress base) {
  const VirtualAddress registers = to_virtual(base);
  if (mmio_read<uint32_t>(registers + kMagic) != kMagicValue) return 0;
  const uint16_t type = static_cast<uint16_t>(mmio_read<uint32_t>(registers + kDeviceId));
  if (type == 0) return 0;  // a slot without a device
  const uint32_t version = mmio_read<uint32_t>(registers + kVersion);
  if (version != 2) {
    log_error(
        "virtio-mmio 0x%lx: version %u, only 2 is supported; start QEMU with -global "
        "virtio-mmio.force-legacy=false",
        base.value, version);
    return 0;
  }
  return type;
}

}  // namespace plumbline::virtio
