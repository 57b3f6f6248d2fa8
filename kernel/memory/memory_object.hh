// What a mapping shows: a file's pages, or memory that several mappings share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/intrusive_list.hh"
#include "core/reference.hh"
#include "core/result.hh"
#include "memory/address.hh"

namespace plumbline {

class MemoryObject : public ReferenceCounted {
 public:
  // The page with this index (of 4 KiB), made if need be; it belongs to the object and stays until
  // the object shrinks, for which AddressSpace::forget_object_pages is called first. kEFAULT: the
  // index lies beyond the end (the program gets SIGBUS); kENOMEM. May sleep.
  virtual Result<PhysicalAddress> page(std::uint64_t index, bool for_writing) = 0;
  // Bytes that there are.
  virtual std::uint64_t size() const = 0;
  // For /proc/self/maps: the path or "/memfd:name (deleted)", device and inode. Empty: none.
  virtual std::size_t describe(std::span<char> text) const { return 0; }
  virtual std::uint64_t inode() const { return 0; }

  // Areas that map this object; the address space's, under its lock.
  ListHook areas;
};

}  // namespace plumbline
