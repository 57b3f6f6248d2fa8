// Pages of the host's malloc, for the tests of portable code.
#include "memory/pages_hosted.hh"

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "core/assert.hh"
#include "memory/pages.hh"

namespace plumbline {
namespace {

std::atomic<std::size_t> in_use{0};
std::atomic<std::size_t> limit{~std::size_t{0}};

}  // namespace

void limit_hosted_pages(std::size_t pages) { limit = pages; }
std::size_t hosted_pages_in_use() { return in_use; }

PageBlock allocate_pages(unsigned order, Zeroed zeroed) {
  const std::size_t pages = std::size_t{1} << order;
  if (order > kMaxPageOrder || in_use + pages > limit) return {};
  const PageBlock block{std::aligned_alloc(kPageSize << order, kPageSize << order), order};
  if (!block) return {};
  // What is not promised to be zero is not.
  std::memset(block.data, zeroed == Zeroed::kYes ? 0 : 0xa5, block.size());
  in_use += pages;
  return block;
}

PageBlock allocate_program_pages(unsigned order, Zeroed zeroed) {
  return allocate_pages(order, zeroed);
}

PageBlock allocate_object_page() { return allocate_pages(0, Zeroed::kYes); }

void free_pages(PageBlock block) {
  ASSERT(in_use >= std::size_t{1} << block.order);
  in_use -= std::size_t{1} << block.order;
  std::free(block.data);
}

PageStatistics page_statistics() {
  constexpr std::size_t kTotal = std::size_t{1} << 20;
  return {kTotal, kTotal - in_use};
}

}  // namespace plumbline
