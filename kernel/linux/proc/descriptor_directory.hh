// /proc/PID/fd and fdinfo.
#pragma once

#include "linux/proc/pseudo_vnode.hh"
#include "linux/process.hh"

namespace plumbline::linux_abi {

enum class DescriptorView : std::uint8_t { kLinks, kInformation };

Result<Ref<Vnode>> make_descriptor_directory(FileSystem& file_system, const Ref<Process>& process,
                                             DescriptorView view, std::uint64_t inode);

}  // namespace plumbline::linux_abi
