// Physical and virtual addresses as types that cannot be mixed up, and the map between them.
#pragma once

#include <compare>
#include <cstdint>

#include "arch/x86_64/near_image.h"

namespace plumbline {

struct PhysicalAddress {
  std::uint64_t value = 0;
  constexpr auto operator<=>(const PhysicalAddress&) const = default;
  constexpr PhysicalAddress operator+(std::uint64_t bytes) const { return {value + bytes}; }
  constexpr std::uint64_t operator-(PhysicalAddress other) const { return value - other.value; }
};

struct VirtualAddress {
  std::uint64_t value = 0;
  constexpr auto operator<=>(const VirtualAddress&) const = default;
  constexpr VirtualAddress operator+(std::uint64_t bytes) const { return {value + bytes}; }
  constexpr std::uint64_t operator-(VirtualAddress other) const { return value - other.value; }
  template <typename T = void>
  T* as() const {
    return reinterpret_cast<T*>(value);
  }
  static VirtualAddress of(const volatile void* pointer) {
    return {reinterpret_cast<std::uint64_t>(pointer)};
  }
};

// All physical memory is mapped here, in PML4 slot 384 (slot 256 belongs to the host on kvm_pvm),
// and with it the device hole from 3 to 4 GiB, uncached.
inline constexpr std::uint64_t kDirectMapBase = 0xffffc000'00000000;
inline constexpr std::uint64_t kDirectMapSize = std::uint64_t{512} << 30;
// The kernel image is mapped here three times (text, constants, data), each time with other rights;
// the distance of the three maps is kImageMapStride.
inline constexpr std::uint64_t kImageBase = LINKED_IMAGE;
inline constexpr std::uint64_t kImageMapStride = 32 << 20;

// And once more, all three, where programs are near: text, constants and data begin here.
inline constexpr std::uint64_t kNearImage = NEAR_IMAGE;

// The near address of a function of the kernel, for programs to jump to; it does the same there.
inline std::uint64_t near_address(const volatile void* linked) {
  return reinterpret_cast<std::uint64_t>(linked) << NEAR_IMAGE_SHIFT >> NEAR_IMAGE_SHIFT;
}
// The linked address for a near one in the text; others stay.
constexpr std::uint64_t linked_address(std::uint64_t address) {
  if (address - kNearImage >= kImageMapStride) return address;
  return address - kNearImage + kImageBase;
}
static_assert(kImageBase << NEAR_IMAGE_SHIFT >> NEAR_IMAGE_SHIFT == kNearImage);
static_assert(kImageMapStride == 1 << NEAR_TEXT_LENGTH_SHIFT);

// The direct map's address of a physical one: RAM, or a device register between 3 and 4 GiB. Other
// device memory needs map_device_memory (memory/device_memory.hh).
constexpr VirtualAddress to_virtual(PhysicalAddress address) {
  return {kDirectMapBase + address.value};
}

// The physical address behind a pointer into the direct map or the kernel image. Not for stacks.
inline PhysicalAddress to_physical(const volatile void* pointer) {
  const auto address = reinterpret_cast<std::uint64_t>(pointer);
  if (address >= kImageBase) return {(address - kImageBase) & (kImageMapStride - 1)};
  return {address - kDirectMapBase};
}

}  // namespace plumbline
