// The text by which a VMM names a virtio-mmio device on the command line: "512@0xfeb00e00:5".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace plumbline::virtio {

struct MmioParameter {
  uint64_t size;
  uint64_t base;
  unsigned gsi;  // global system interrupt
};

/// Parses SIZE@BASE:GSI[:ID] (Linux, Documentation/admin-guide/kernel-parameters.txt,
/// virtio_mmio.device). SIZE may have a suffix K or M, numbers may be hexadecimal. nullopt: not of
/// that form, a size below 0x100 or above 1 MiB, a base that is not a multiple of 4 or does not lie
/// between 3 and 4 GiB, where device registers are mapped, or a GSI above 1023.
std::optional<MmioParameter> parse_mmio_parameter(std::string_view text);

}  // namespace plumbline::virtio
