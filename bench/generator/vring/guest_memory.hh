// The guest's memory as this process has it mapped.
#pragma once

#include <cstdint>
#include <vector>

namespace plumbline::generator {

struct MemoryRegion {
  uint64_t guest_address;
  uint64_t bytes;
  uint8_t* host;
};

class GuestMemory {
 public:
  GuestMemory() = default;
  explicit GuestMemory(std::vector<MemoryRegion> regions) : regions_(std::move(regions)) {}

  // Where `bytes` bytes of the guest's physical memory are; null unless all of them lie in one
  // region. The address comes from the guest and may be anything.
  uint8_t* translate(uint64_t address, uint64_t bytes) const {
    for (const MemoryRegion& region : regions_) {
      const uint64_t offset = address - region.guest_address;  // huge when it lies before
      if (offset < region.bytes && bytes <= region.bytes - offset) return region.host + offset;
    }
    return nullptr;
  }

  // Whether all of what is mapped here lies in one region.
  bool contains(const void* host, uint64_t bytes) const {
    for (const MemoryRegion& region : regions_) {
      const auto offset =
          reinterpret_cast<uintptr_t>(host) - reinterpret_cast<uintptr_t>(region.host);
      if (offset < region.bytes && bytes <= region.bytes - offset) return true;
    }
    return false;
  }

 private:
  std::vector<MemoryRegion> regions_;
};

}  // namespace plumbline::generator
