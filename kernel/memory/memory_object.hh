// What a mapping shows: a file's pages, or memory that several mappings share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/reference.hh"
#include "core/result.hh"
#include "memory/address.hh"

namespace plumbline {

struct Area;

class MemoryObject : public ReferenceCounted {
 public:
  // The page with this index (of 4 KiB), made if need be; it belongs to the object and stays until
  // the object shrinks, for which address_space::forget_object_pages is called first. kEFAULT: the
  // index lies beyond the end (the program gets SIGBUS); kENOMEM. May sleep, but is called with the
  // address space locked: it must not touch a program's memory or change mappings.
  virtual Result<PhysicalAddress> page(std::uint64_t index, bool for_writing) = 0;
  // The same for the neighbours of a page that a program wanted: address 0 where that would cost
  // something, as making a page does.
  virtual PhysicalAddress present_page(std::uint64_t index, bool for_writing) {
    const Result<PhysicalAddress> found = page(index, for_writing);
    return found ? *found : PhysicalAddress{};
  }
  // Makes a hole, which reads as zeros (madvise(2), MADV_REMOVE). kEOPNOTSUPP; may sleep.
  virtual Status remove(std::uint64_t /*offset*/, std::uint64_t /*length*/) {
    return Errno::kEOPNOTSUPP;
  }
  // Bytes that there are.
  virtual std::uint64_t size() const = 0;
  // For /proc/self/maps: the path or "/memfd:name (deleted)", device and inode. Empty: none.
  virtual std::size_t describe(std::span<char> /*text*/) const { return 0; }
  virtual std::uint64_t inode() const { return 0; }

  // The first of the areas that map this object; the address space's, under its lock.
  Area* areas = nullptr;
  // Another object that shows some of this one's pages as its own (linux/entry/stubs.cc): when they
  // go, they go from its mappings too. Set before it is mapped.
  MemoryObject* overlay = nullptr;
};

}  // namespace plumbline
