// Reading and writing open files, as read(2) and its relatives do it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/result.hh"
#include "fs/file.hh"

namespace plumbline::linux_abi {

// Most bytes in one call (Linux: MAX_RW_COUNT).
inline constexpr std::size_t kMostBytes = 0x7fff'f000;

// At the file's position, which moves on.
Result<std::size_t> read_here(File& file, IoCursor& to);
Result<std::size_t> write_here(File& file, IoCursor& from);
// At a given place. kESPIPE where there is no position, kEINVAL below zero.
Result<std::size_t> read_at(File& file, IoCursor& to, std::int64_t offset);
Result<std::size_t> write_at(File& file, IoCursor& from, std::int64_t offset);

}  // namespace plumbline::linux_abi
