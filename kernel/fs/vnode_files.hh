// Open files that any file system's vnodes can have: directories, and O_PATH's.
#pragma once

#include <cstdint>

#include "core/reference.hh"
#include "core/result.hh"
#include "fs/file.hh"
#include "fs/vnode.hh"

namespace plumbline {

// An open directory: its entries come from Vnode::read_directory. kENOMEM.
Result<Ref<File>> open_directory(Ref<Vnode> vnode, std::uint32_t flags);
// O_PATH: only the place in the tree; reading and writing are refused by the calls.
Result<Ref<File>> open_path_only(Ref<Vnode> vnode, std::uint32_t flags);

}  // namespace plumbline
