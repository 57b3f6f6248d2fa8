// Where the rewriting of system calls (linux/entry) meets mappings of files.
#pragma once

#include <cstdint>

#include "core/reference.hh"
#include "fs/file.hh"
#include "memory/address_space.hh"
#include "memory/memory_object.hh"

namespace plumbline::linux_abi {

struct MappingHook {
  // Bytes of free addresses that a private mapping of this file wants below it, when it is placed
  // anywhere; asked for every such mapping. 0: none.
  std::uint64_t (*room_below)(File& file);
  // What is mapped at [address, address + length) instead of the file's `object`, for private
  // executable mappings at a known address: the object itself, or one with patched copies of its
  // pages at the same offsets.
  Ref<MemoryObject> (*overlay)(File& file, const Ref<MemoryObject>& object, std::uint64_t address,
                               std::uint64_t length, std::uint64_t offset, AddressOwner owner);
};

// Set at boot by what rewrites; null: nothing does.
extern const MappingHook* mapping_hook;

}  // namespace plumbline::linux_abi
