// A stretch of addresses that mean one thing.
#pragma once

#include <cstdint>

#include "core/reference.hh"
#include "core/units.hh"
#include "memory/address_space.hh"
#include "memory/memory_object.hh"

namespace plumbline {

// What neighbours must have in common to be one area.
struct AreaAttributes {
  AddressOwner owner = 0;
  std::uint8_t protection = 0;
  std::uint8_t maximum_protection = 0;  // what mprotect may ask for
  bool shared = false;
  bool reserve_only = false;
  bool grows_down = false;
  bool small_pages = false;
  bool image = false;
  const char* name = nullptr;
  bool operator==(const AreaAttributes&) const = default;
};

// Addresses [begin, end), whole pages. With an object, `begin` shows its byte `offset`.
struct Area {
  std::uint64_t begin = 0, end = 0;
  AreaAttributes attributes;
  Ref<MemoryObject> object;
  std::uint64_t offset = 0;
  // Without an object: no page of [begin, untouched) is mapped. 0: not known of any. Set by
  // madvise(MADV_DONTNEED), which threads call at their end for their whole stack, of which the
  // least has been touched; lowered by who maps a page.
  mutable std::uint64_t untouched = 0;

  std::uint64_t length() const { return end - begin; }
  bool contains(std::uint64_t address) const { return begin <= address && address < end; }
  // The object's page that `address` shows.
  std::uint64_t page_index(std::uint64_t address) const {
    return (offset + (address - begin)) / kPageSize;
  }

  // The tree's (memory/area_tree.cc): children, and for the subtree its first and one past its last
  // address, and the longest gap inside.
  Area* left = nullptr;
  Area* right = nullptr;
  std::uint64_t low = 0, high = 0, longest_gap = 0;
  std::uint32_t priority = 0;
  // The object's areas.
  Area* next_in_object = nullptr;
  Area* previous_in_object = nullptr;
};

}  // namespace plumbline
