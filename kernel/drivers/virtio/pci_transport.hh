// The virtio-pci transport, modern interface (virtio 1.2, 4.1). Transitional devices are driven
// through it as well.
#pragma once

#include <array>
#include <optional>

#include "drivers/pci/bars.hh"
#include "drivers/pci/msix.hh"
#include "drivers/pci/scan.hh"
#include "drivers/virtio/transport.hh"

namespace plumbline::virtio {

/// The virtio device type of a PCI function; 0 when it is none.
uint16_t pci_device_type(const pci::Identity& identity);

class PciTransport final : public Transport {
 public:
  explicit PciTransport(pci::Location location);

  /// Finds the register areas through the capabilities, gives BARs a place and switches decoding
  /// and bus mastering on. False, with a message in the log, when the function can not be driven.
  bool initialise();

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
  // A register area: which BAR, and where in it.
  struct Area {
    uint8_t bar;
    uint32_t offset;
  };
  std::optional<VirtualAddress> map(Area area);

  pci::Location location_;
  std::array<std::optional<pci::Bar>, 6> bars_{};
  VirtualAddress common_{};
  VirtualAddress notify_{};
  VirtualAddress device_{};
  uint32_t notify_multiplier_ = 0;
  std::optional<pci::MsixTable> msix_;
  unsigned msix_used_ = 0;
};

}  // namespace plumbline::virtio
