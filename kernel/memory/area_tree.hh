// The areas of an address space by address. Portable.
#pragma once

#include <cstddef>
#include <cstdint>

#include "memory/area.hh"

namespace plumbline {

// Disjoint areas in order. A treap (Aragon and Seidel, FOCS 1989) whose nodes know the longest gap
// below them, so that free addresses are found without visiting every area. Not synchronised.
class AreaTree {
 public:
  // As many as Linux allows (vm.max_map_count).
  static constexpr std::size_t kMost = 65530;

  AreaTree() = default;
  ~AreaTree();
  AreaTree(const AreaTree&) = delete;
  AreaTree& operator=(const AreaTree&) = delete;

  // The area that contains `address`, or null.
  Area* find(std::uint64_t address) const;
  // The first area that ends behind `address`, or null: it contains it or comes next.
  Area* first_from(std::uint64_t address) const;
  Area* next(const Area& area) const { return first_from(area.end); }
  bool is_free(std::uint64_t begin, std::uint64_t end) const;

  // Adds an area where none is, and to its object's list.
  void insert(Area* area);
  // Takes an area out; it is the caller's then.
  void remove(Area* area);
  // Moves an area's ends, not across a neighbour. `offset` stays as it is.
  void resize(Area* area, std::uint64_t begin, std::uint64_t end);
  // Cuts the area in two that contains `address`, unless it begins there. False without memory, or
  // when there are too many areas.
  bool split(std::uint64_t address);
  // Joins alike neighbours that touch in [begin, end], ends included. Areas that go are prepended
  // to `gone`, a list by `right`.
  void merge(std::uint64_t begin, std::uint64_t end, Area*& gone);

  // The highest address in [bottom, top) where `length` bytes are free, such that it is a multiple
  // of `alignment` (a power of two) after `room` further free bytes. 0: none.
  std::uint64_t find_gap(std::uint64_t length, std::uint64_t room, std::uint64_t alignment,
                         std::uint64_t bottom, std::uint64_t top) const;

  std::size_t count() const { return count_; }

 private:
  Area* root_ = nullptr;
  std::size_t count_ = 0;
  std::uint32_t random_ = 2463534242;
};

}  // namespace plumbline
