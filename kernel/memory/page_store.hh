// Pages by index: the content of a file in memory, of a memfd, of shared anonymous memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/result.hh"
#include "memory/address.hh"

namespace plumbline {

// A sparse array of pages; holes read as zeros. Not synchronised: the owner locks. Portable.
//
// A radix tree with 64 children a node, as high as the largest index so far needs: a file of up to
// 256 KiB has one node.
class PageStore {
 public:
  PageStore() = default;
  ~PageStore();
  PageStore(const PageStore&) = delete;
  PageStore& operator=(const PageStore&) = delete;

  // The page at `index`, or null where there is a hole.
  void* find(std::uint64_t index) const;
  // The page at `index`, zeroed when it is new. Null when memory is short.
  void* find_or_create(std::uint64_t index);
  // Makes `page` (page aligned, in the direct map) the page at `index`, which is a hole, without
  // copying. It stays the caller's and is never freed here. False when memory is short.
  bool lend(std::uint64_t index, void* page);
  // Frees all pages in [first, end).
  void remove(std::uint64_t first, std::uint64_t end);
  // The first index in [from, end) with a page (or without one), else `end`. For SEEK_DATA/HOLE.
  std::uint64_t next_page(std::uint64_t from, std::uint64_t end) const;
  std::uint64_t next_hole(std::uint64_t from, std::uint64_t end) const;
  // Pages that are there, lent ones included.
  std::uint64_t count() const { return count_; }

 private:
  struct Node;
  // The slot of `index`; nodes on the way are made. Null when memory is short.
  std::uintptr_t* make_slot(std::uint64_t index);
  // Frees what lies in [first, end) below a node whose indexes begin at `base`; true when nothing
  // is left in it.
  bool remove_below(Node* node, unsigned height, std::uint64_t base, std::uint64_t first,
                    std::uint64_t end);

  Node* root_ = nullptr;
  unsigned height_ = 0;  // levels of nodes
  std::uint64_t count_ = 0;
};

}  // namespace plumbline
