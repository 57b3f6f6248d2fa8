#include <array>
#include <cstring>

#include "memory/pages.hh"
#include "tests/crew.hh"
#include "tests/guest_test.hh"

namespace plumbline {

GUEST_TEST(pages_are_aligned_and_distinct) {
  const std::size_t before = page_statistics().free_pages;
  std::array<PageBlock, 11> blocks;
  for (unsigned order = 0; order <= kMaxPageOrder; ++order) {
    blocks[order] = allocate_pages(order);
    // A small guest has no block of 4 MiB.
    if (!blocks[order]) continue;
    CHECK_EQUAL(blocks[order].physical().value % blocks[order].size(), 0);
    std::memset(blocks[order].data, static_cast<int>(order + 1), blocks[order].size());
  }
  for (unsigned order = 0; order <= kMaxPageOrder; ++order) {
    if (!blocks[order]) continue;
    const auto* bytes = static_cast<const unsigned char*>(blocks[order].data);
    bool intact = true;
    for (std::size_t i = 0; i < blocks[order].size(); i += 64) intact &= bytes[i] == order + 1;
    CHECK(intact);
    free_pages(blocks[order]);
  }
  CHECK_EQUAL(page_statistics().free_pages, before);
}

GUEST_TEST(pages_zeroed_on_request) {
  const PageBlock dirty = allocate_pages(1);
  CHECK(dirty);
  std::memset(dirty.data, 0xff, dirty.size());
  free_pages(dirty);
  const PageBlock clean = allocate_pages(1, Zeroed::kYes);
  const auto* bytes = static_cast<const unsigned char*>(clean.data);
  bool zero = true;
  for (std::size_t i = 0; i < clean.size(); ++i) zero &= bytes[i] == 0;
  CHECK(zero);
  free_pages(clean);
}

GUEST_TEST(pages_merge_again) {
  // Takes everything in single pages, gives it back in another order, and finds the large blocks
  // again.
  const std::size_t before = page_statistics().free_pages;
  unsigned large_before = 0;
  {
    PageBlock list[64];
    while (large_before < 64 && (list[large_before] = allocate_pages(8))) ++large_before;
    for (unsigned i = 0; i < large_before; ++i) free_pages(list[i]);
  }
  void* odd = nullptr;
  void* even = nullptr;
  std::size_t count = 0;
  while (count < 20000) {
    const PageBlock page = allocate_pages(0);
    if (!page) break;
    void*& list = (page.physical().value / kPageSize) % 2 == 0 ? even : odd;
    *static_cast<void**>(page.data) = list;
    list = page.data;
    ++count;
  }
  CHECK(count > 100);
  for (void* list : {odd, even}) {
    while (list != nullptr) {
      void* next = *static_cast<void**>(list);
      free_pages({list, 0});
      list = next;
    }
  }
  CHECK_EQUAL(page_statistics().free_pages, before);
  PageBlock list[64];
  unsigned large_after = 0;
  while (large_after < 64 && (list[large_after] = allocate_pages(8))) ++large_after;
  for (unsigned i = 0; i < large_after; ++i) free_pages(list[i]);
  CHECK_EQUAL(large_after, large_before);
}

GUEST_TEST(pages_exhaustion_is_an_empty_block) {
  void* list = nullptr;
  for (;;) {
    const PageBlock block = allocate_pages(kMaxPageOrder);
    if (!block) break;
    *static_cast<void**>(block.data) = list;
    list = block.data;
  }
  CHECK(!allocate_pages(kMaxPageOrder + 1));
  while (list != nullptr) {
    void* next = *static_cast<void**>(list);
    free_pages({list, kMaxPageOrder});
    list = next;
  }
}

GUEST_TEST(pages_from_all_cpus) {
  const std::size_t before = page_statistics().free_pages;
  {
    // Makes the threads' stacks, which stay, before counting.
    const Crew warm(2 * cpu_count(), [](unsigned) {});
  }
  const std::size_t after_stacks = page_statistics().free_pages;
  CHECK(after_stacks <= before);
  {
    const Deadline deadline = Deadline::after(kStressTime);
    const Crew crew(2 * cpu_count(), [deadline](unsigned number) {
      Random random(number + 1);
      std::array<PageBlock, 8> held{};
      for (int i = 0; i < 3000 && !deadline.passed(); ++i) {
        PageBlock& slot = held[random.below(held.size())];
        if (slot) {
          CHECK_EQUAL(*static_cast<std::uint64_t*>(slot.data), slot.physical().value ^ number);
          free_pages(slot);
          slot = {};
        } else if ((slot = allocate_pages(static_cast<unsigned>(random.below(4))))) {
          *static_cast<std::uint64_t*>(slot.data) = slot.physical().value ^ number;
        }
      }
      for (PageBlock& slot : held) {
        if (slot) free_pages(slot);
      }
    });
  }
  // The crew's Thread objects may keep a slab of the heap.
  CHECK(page_statistics().free_pages + 64 >= after_stacks);
}

}  // namespace plumbline
