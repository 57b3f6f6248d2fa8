// The PVH start info: what the loader tells the kernel
// (xen/include/public/arch-x86/hvm/start_info.h).
#pragma once

#include <cstdint>
#include <span>

#include "core/units.hh"

namespace plumbline::pvh {

inline constexpr std::uint32_t kMagic = 0x336ec578;
inline constexpr std::uint32_t kMemoryRam = 1;

struct StartInfo {
  std::uint32_t magic;
  std::uint32_t version;
  std::uint32_t flags;
  std::uint32_t module_count;
  std::uint64_t modules;
  std::uint64_t command_line;
  std::uint64_t rsdp;
  // From version 1 on.
  std::uint64_t memory_map;
  std::uint32_t memory_map_entries;
  std::uint32_t reserved;
};
static_assert(sizeof(StartInfo) == 56);

// A file that the loader put into memory: QEMU's -initrd.
struct ModuleEntry {
  std::uint64_t address;
  std::uint64_t size;
  std::uint64_t command_line;
  std::uint64_t reserved;
};
static_assert(sizeof(ModuleEntry) == 32);

struct MemoryMapEntry {
  std::uint64_t address;
  std::uint64_t size;
  std::uint32_t type;
  std::uint32_t reserved;
};
static_assert(sizeof(MemoryMapEntry) == 24);

}  // namespace plumbline::pvh

namespace plumbline {

// The boot modules, in the loader's order. Their memory is theirs for good. Defined by the boot.
std::span<const std::span<std::byte>> boot_modules();

}  // namespace plumbline
