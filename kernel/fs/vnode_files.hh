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

// What /proc/self/fd/N leads to for a file without a vnode of its own. Opening it again gives the
// same open file, if that is a pipe's end which may do what is asked for (kEACCES), and kENXIO for
// all else. kENOMEM.
Result<Ref<Vnode>> file_vnode(Ref<File> file);

}  // namespace plumbline
