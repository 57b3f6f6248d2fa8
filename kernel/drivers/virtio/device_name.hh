// Names of devices for messages.
#pragma once

#include <cstdint>
#include <span>

namespace plumbline::virtio {

/// "virtio-mmio 0xfeb00e00"
void name_mmio_device(std::span<char, 32> name, uint64_t base);
/// "virtio-pci 00:01.0"
void name_pci_device(std::span<char, 32> name, unsigned slot, unsigned function);

}  // namespace plumbline::virtio
