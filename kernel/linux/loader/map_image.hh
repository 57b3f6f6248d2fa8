// ELF images in memory.
#pragma once

#include "core/result.hh"
#include "fs/file.hh"
#include "linux/loader/elf.hh"
#include "memory/address_space.hh"

namespace plumbline::linux_abi {

// Maps the segments of an image for `owner`: one that may be moved near `hint` (0: where libraries
// go), the others where they ask for (kEEXIST: something else is there). Returns
// what must be added to the addresses in the image. On failure something may stay mapped.
Result<std::uint64_t> map_image(File& file, const ElfImage& image, AddressOwner owner,
                                std::uint64_t hint);

}  // namespace plumbline::linux_abi
