// The virtio-mmio transport, version 2 (virtio 1.2, 4.2).
#pragma once

#include "drivers/virtio/transport.hh"

namespace plumbline::virtio {

class MmioTransport final : public Transport {
 public:
  /// A device with registers at `base` that raises `gsi`.
  MmioTransport(PhysicalAddress base, unsigned gsi);

  uint8_t read_status() override;
  void write_status(uint8_t status) override;
  uint64_t read_features() override;
  void write_features(uint64_t features) override;
  uint32_t read_config32(unsigned offset) override;
  uint16_t read_config16(unsigned offset) override;
  uint16_t select_queue(uint16_t queue) override;
  bool connect_interrupt(uint16_t queue, const QueueInterrupt& interrupt) override;
  Doorbell enable_queue(uint16_t queue, uint16_t size, uint16_t maximum,
                        const QueueAddresses& addresses) override;

 private:
  static void interrupted(void* transport);
  uint32_t read(unsigned offset) { return mmio_read<uint32_t>(base_ + offset); }
  void write(unsigned offset, uint32_t value) { mmio_write<uint32_t>(base_ + offset, value); }

  static constexpr unsigned kMostHandlers = 8;
  VirtualAddress base_;
  unsigned gsi_;
  bool routed_ = false;
  unsigned handler_count_ = 0;
  QueueInterrupt handlers_[kMostHandlers] = {};
};

/// What a probe of the registers at `base` found: the device's type; 0 when there is no device.
/// Logs a legacy (version 1) device, which we do not drive. 2 or 3 exits.
uint16_t probe_mmio(PhysicalAddress base);

}  // namespace plumbline::virtio
