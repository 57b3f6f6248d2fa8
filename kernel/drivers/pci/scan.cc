#include "drivers/pci/scan.hh"

#include <array>

#include "core/boot_options.hh"

namespace plumbline::pci {
namespace {

// Each slot costs an exit, and who starts the guest may know which ones are empty.
BOOT_OPTION(std::uint64_t, slots, "pci.slots", 32, 1, 32,
            "slots of PCI bus 0 to look for devices in, from slot 0 on");

constexpr unsigned kFunctions = 8;
constexpr uint32_t kMultifunction = 1u << 23;  // bit 7 of the header type, in its dword

std::array<Identity, 64> found;
unsigned found_count = 0;
// Functions 0 looked at. Slot 0 is the host bridge, which access() has looked at.
unsigned slots_probed = 1;
unsigned devices_expanded = 0;      // of `found`, those whose other functions were looked at
unsigned functions_zero_count = 0;  // of `found`, those that are functions 0

void probe(Location location) {
  const uint32_t id = read32(location, kRegisterId);
  // Ones: nothing there. Zeros: some VMMs answer so for what does not exist.
  if (id == 0 || id == 0xffffffff || (id & 0xffff) == 0xffff) return;
  if (found_count == found.size()) return;
  found[found_count++] = {location, static_cast<uint16_t>(id), static_cast<uint16_t>(id >> 16)};
}

// Looks a little further; false when all is known.
bool advance() {
  if (access() == Access::kNone) return false;
  if (slots_probed < slots.get()) {
    probe({static_cast<uint8_t>(slots_probed), 0});
    ++slots_probed;
    functions_zero_count = found_count;
    return true;
  }
  if (devices_expanded == functions_zero_count) return false;
  const Location device = found[devices_expanded++].location;
  if ((read32(device, kRegisterHeaderType) & kMultifunction) == 0) return true;
  for (uint8_t function = 1; function < kFunctions; ++function) probe({device.slot, function});
  return true;
}

}  // namespace

std::optional<Identity> nth_function(unsigned n) {
  while (n >= found_count) {
    if (!advance()) return std::nullopt;
  }
  return found[n];
}

}  // namespace plumbline::pci
