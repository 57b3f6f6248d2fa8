// Opening files by path.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/result.hh"
#include "fs/file.hh"
#include "fs/path_walk.hh"

namespace plumbline {

// open(2), from `base` if the path is relative. `mode`: permissions of a new file, umask applied.
Result<Ref<File>> open_file(const Ref<Vnode>& base, std::string_view path, std::uint32_t flags,
                            std::uint32_t mode, const Credentials& who = {},
                            const WalkRules* rules = nullptr);

// Opens a vnode that has been found: permissions, kEISDIR, truncation, O_PATH.
Result<Ref<File>> open_vnode(const Ref<Vnode>& vnode, std::uint32_t flags,
                             const Credentials& who = {});

// For the kernel itself: a path from the root, "/.plumbline/program".
Result<Ref<File>> open_path(std::string_view path, std::uint32_t flags = kOpenReadOnly);

// Reads exactly `length` bytes at `offset` into kernel memory; kEIO when the file is shorter.
Status read_exactly(File& file, void* to, std::size_t length, std::uint64_t offset);

}  // namespace plumbline
