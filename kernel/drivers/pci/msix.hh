// MSI-X: interrupts that a function raises by writing a message to memory (PCI Local
// Bus 3.0, 6.8.2). With KVM's irqfd neither raising nor taking one leaves the kernel of the host.
#pragma once

#include <cstdint>

#include "arch/x86_64/interrupts.hh"
#include "drivers/pci/capabilities.hh"
#include "memory/address.hh"

namespace plumbline::pci {

class MsixTable {
 public:
  MsixTable() = default;
  /// `capability` is the function's MSI-X capability, `table` the place of its table.
  MsixTable(Location location, Capability capability, VirtualAddress table);

  unsigned entries() const { return entries_; }
  /// Lets entry `index` raise `message`. 2 exits. Before or after enable().
  void set(unsigned index, MsiMessage message);
  /// Switches the function from its interrupt pin to MSI-X. 1 exit.
  void enable();

 private:
  Location location_{};
  uint8_t offset_ = 0;
  unsigned entries_ = 0;
  VirtualAddress table_{};
};

}  // namespace plumbline::pci
