#include "memory/stacks.hh"

#include "arch/x86_64/paging.hh"
#include "core/assert.hh"
#include "core/per_cpu.hh"
#include "memory/pages.hh"
#include "sync/lock_guard.hh"
#include "sync/spinlock.hh"

namespace plumbline {
namespace {

// PML4 slot 385. Each stack takes the next addresses; they never come back (512 GiB of them).
constexpr std::uint64_t kRegion = 0xffffc080'00000000;

// A free stack holds the link to the next in its highest word.
Spinlock lock;
std::uint64_t next_address = kRegion;
std::uint64_t free_stacks[kMaxPageOrder + 1];  // tops

std::uint64_t& link_of(std::uint64_t top) { return *reinterpret_cast<std::uint64_t*>(top - 8); }

}  // namespace

Stack allocate_stack(std::size_t size) {
  const unsigned order = page_order_for(size);
  if (order > kMaxPageOrder) return {};
  const std::size_t bytes = kPageSize << order;
  const LockGuard guard(lock);
  if (const std::uint64_t top = free_stacks[order]; top != 0) {
    free_stacks[order] = link_of(top);
    return {top - bytes, top, order};
  }
  const PageBlock block = allocate_pages(order);
  if (!block) return {};
  // The page before stays unmapped: running over the end faults instead of overwriting a neighbour.
  const std::uint64_t bottom = next_address + kPageSize;
  next_address = bottom + bytes;
  for (std::size_t offset = 0; offset < bytes; offset += kPageSize) {
    if (!paging::map_page({bottom + offset}, block.physical() + offset)) {
      // Without memory for a page table the addresses and the block are lost to stacks; nothing
      // uses them.
      return {};
    }
  }
  return {bottom, bottom + bytes, order};
}

void free_stack(Stack stack) {
  ASSERT(stack);
  const LockGuard guard(lock);
  link_of(stack.top) = free_stacks[stack.order];
  free_stacks[stack.order] = stack.top;
}

}  // namespace plumbline
