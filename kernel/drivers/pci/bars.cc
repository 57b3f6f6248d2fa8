#include "drivers/pci/bars.hh"

#include <bit>

#include "core/log.hh"

namespace plumbline::pci {
namespace {

constexpr unsigned kBarCount = 6;
constexpr uint32_t kIoSpace = 1;
constexpr uint32_t kTypeMask = 6;
constexpr uint32_t kType64 = 4;
constexpr uint32_t kFlagsMask = 0xf;

// Bytes of the window given away. A bump allocator: devices stay for the life of the guest.
uint64_t window_used = 0;

std::optional<uint32_t> place(uint64_t size) {
  const auto window = unassigned_bar_window();
  if (!window) return std::nullopt;
  const uint64_t at = (window_used + size - 1) & ~(size - 1);  // the window's base is aligned
  if (at + size > window->size) return std::nullopt;
  window_used = at + size;
  return static_cast<uint32_t>(window->base + at);
}

}  // namespace

std::optional<Bar> memory_bar(Location location, unsigned index) {
  if (index >= kBarCount) return std::nullopt;
  const uint16_t low_register = static_cast<uint16_t>(kRegisterBar0 + 4 * index);
  const uint16_t high_register = static_cast<uint16_t>(low_register + 4);
  const uint32_t low = read32(location, low_register);
  if ((low & kIoSpace) != 0) return std::nullopt;
  const bool is_64_bit = (low & kTypeMask) == kType64;
  if (is_64_bit && index + 1 == kBarCount) return std::nullopt;

  if (!unassigned_bar_window() || (low & ~kFlagsMask) != 0) {
    const uint32_t high = is_64_bit ? read32(location, high_register) : 0;
    const uint64_t address = uint64_t{high} << 32 | (low & ~kFlagsMask);
    if (address == 0) return std::nullopt;
    return Bar{{address}, 0};
  }
  // Sizing (PCI Local Bus 3.0, 6.2.5.1): the bits that stay zero are the size.
  write32(location, low_register, 0xffffffff);
  const uint32_t mask = read32(location, low_register) & ~kFlagsMask;
  if (mask == 0) return std::nullopt;  // no such BAR, or larger than 4 GiB
  const uint64_t size = uint64_t{1} << std::countr_zero(mask);
  const auto address = place(size);
  if (!address) {
    log_error("pci: no room for BAR %u of 00:%02x.%u (%lu bytes)", index,
              static_cast<unsigned>(location.slot), static_cast<unsigned>(location.function), size);
    return std::nullopt;
  }
  write32(location, low_register, *address);
  if (is_64_bit) write32(location, high_register, 0);
  return Bar{{*address}, size};
}

}  // namespace plumbline::pci
