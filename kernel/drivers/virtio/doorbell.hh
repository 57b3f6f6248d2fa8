// The register by which the driver tells a device that a queue has something new.
#pragma once

#include <cstdint>

namespace plumbline::virtio {

/// With an ioeventfd the host's kernel takes the write: 3 to 5 us instead of a full exit.
struct Doorbell {
  volatile void* address = nullptr;
  uint16_t value = 0;
  bool wide = false;  // MMIO's register is 32 bits wide, PCI's 16

  void ring() const {
    // Volatile: a device register, to be written exactly once. What the device is to find was made
    // visible by the queue's publish().
    if (wide)
      *static_cast<volatile uint32_t*>(address) = value;
    else
      *static_cast<volatile uint16_t*>(address) = value;
  }
};

}  // namespace plumbline::virtio
