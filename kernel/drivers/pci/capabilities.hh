// The list of a function's capabilities (PCI Local Bus 3.0, 6.7).
#pragma once

#include "drivers/pci/config_space.hh"

namespace plumbline::pci {

inline constexpr uint8_t kCapabilityMsix = 0x11;
inline constexpr uint8_t kCapabilityVendor = 0x09;

struct Capability {
  uint8_t id;
  uint8_t offset;  // in configuration space
  uint32_t dword;  // its first four bytes: id, next, and two that depend on the id
  bool has_second = false;
  uint32_t second = 0;  // the four bytes after them, when they came with the same exit
};

/// The four bytes after the first four.
inline uint32_t second_dword(Location location, const Capability& capability) {
  if (capability.has_second) return capability.second;
  return read32(location, static_cast<uint16_t>(capability.offset + 4));
}

/// Calls `visit(Capability)` for each entry until it returns false. 1 exit, and 1 an entry. A list
/// that is circular or leaves configuration space ends: 48 entries are all that fit.
template <typename Visit>
void for_each_capability(Location location, Visit visit) {
  // The status bit that says whether there is a list need not be asked: the pointer is 0 without
  // one.
  uint8_t offset = static_cast<uint8_t>(read32(location, kRegisterCapabilities) & 0xfc);
  for (int left = 48; left > 0 && offset >= 0x40; --left) {
    const bool both = offset % 8 == 0 && access() == Access::kEcam;
    const uint64_t dwords = both ? read64(location, offset) : read32(location, offset);
    const uint32_t dword = static_cast<uint32_t>(dwords);
    if (!visit(Capability{static_cast<uint8_t>(dword), offset, dword, both,
                          static_cast<uint32_t>(dwords >> 32)}))
      return;
    offset = static_cast<uint8_t>((dword >> 8) & 0xfc);
  }
}

}  // namespace plumbline::pci
