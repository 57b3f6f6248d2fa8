// What /proc tells of the system as a whole, and /sys.
#pragma once

#include "linux/proc/pseudo_tree.hh"

namespace plumbline::linux_abi {

std::span<const TreeEntry> system_files();
// Made once: the entries of as many CPUs as there are. Empty when memory is short.
std::span<const TreeEntry> sysfs_files();

}  // namespace plumbline::linux_abi
