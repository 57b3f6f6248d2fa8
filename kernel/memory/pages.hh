// The physical page allocator: buddy blocks of 2^order pages of 4 KiB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/units.hh"
#include "memory/address.hh"

namespace plumbline {

// The largest block: 2^10 pages, 4 MiB.
inline constexpr unsigned kMaxPageOrder = 10;

// Physically contiguous memory, mapped in the direct map, aligned to its size. Empty when there was
// none.
struct PageBlock {
  void* data = nullptr;
  unsigned order = 0;

  explicit operator bool() const { return data != nullptr; }
  std::size_t size() const { return kPageSize << order; }
  PhysicalAddress physical() const { return to_physical(data); }
};

enum class Zeroed : bool { kNo, kYes };

// The smallest order whose block holds `bytes`.
constexpr unsigned page_order_for(std::size_t bytes) {
  unsigned order = 0;
  while ((kPageSize << order) < bytes) ++order;
  return order;
}

// Allocates 2^order pages. An empty block means that memory is short or too fragmented. Callable
// anywhere except in NMI handlers.
PageBlock allocate_pages(unsigned order, Zeroed zeroed = Zeroed::kNo);
void free_pages(PageBlock block);
// The same for what programs ask for (their memory, files in memory): the last part of memory is
// kept for the kernel, whose own needs end in a panic when they are not met.
PageBlock allocate_program_pages(unsigned order, Zeroed zeroed = Zeroed::kNo);
// A zeroed page of a file or of shared memory. These leave more: who fills a file gets an error
// and should then have the memory to say so.
PageBlock allocate_object_page();
// Makes an allocated block many blocks of one page, which are freed each on its own.
void split_pages(PageBlock block);

// Takes at least `bytes` of contiguous memory for good, in multiples of 4 MiB and without touching
// it: a guest's first touch of a page costs the host 3 to 5 us or, for a huge page, the time to
// clear it. Empty when no such piece is left untouched. The contents are whatever they are.
std::span<std::byte> reserve_memory(std::size_t bytes);

// The kinds of allocated pages, for whoever frees by address alone (memory/heap.cc).
enum class PageUse : std::uint8_t { kBlock, kSlab };
// Marks all pages of an allocated block.
void set_page_use(PageBlock block, PageUse use);
// The use of the page that contains `address` (in the direct map).
PageUse page_use(const void* address);
// The block that starts at `address`, allocated before.
PageBlock block_at(void* address);

class MemoryMap;
// Takes over all memory of `map`; called once, on the boot CPU. Memory is touched when it is first
// needed.
void initialise_pages(MemoryMap& map);

struct PageStatistics {
  std::size_t total_pages;
  std::size_t free_pages;
};
PageStatistics page_statistics();

}  // namespace plumbline
