// Character devices: what opening a device file with a certain number gives.
#pragma once

#include <cstdint>

#include "core/reference.hh"
#include "core/result.hh"
#include "fs/file.hh"
#include "fs/vnode.hh"

namespace plumbline {

// As in st_rdev (makedev(3)).
constexpr std::uint64_t device_number(std::uint32_t major, std::uint32_t minor) {
  return (std::uint64_t{major} & 0xfff) << 8 | (minor & 0xff) |
         (std::uint64_t{minor} & ~std::uint64_t{0xff}) << 12;
}

// Opens the device that `node`, which may lie in any file system, stands for. kENXIO.
Result<Ref<File>> open_device(Ref<Vnode> node, std::uint64_t device, std::uint32_t flags);

using OpenDevice = Result<Ref<File>> (*)(Ref<Vnode> node, std::uint32_t flags);
// Called at boot. False: the table is full.
bool register_device(std::uint64_t device, OpenDevice open);

}  // namespace plumbline
