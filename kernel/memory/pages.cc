#include "memory/pages.hh"

#include <algorithm>
#include <cstring>

#include "core/intrusive_list.hh"
#include "core/panic.hh"
#include "platform/memory_map.hh"
#include "sync/lock_guard.hh"
#include "sync/spinlock.hh"

namespace plumbline {
namespace {

// A free block's links, in its first bytes.
struct FreeBlock {
  ListHook hook;
};

// What is known of a page: a byte in a table that covers all physical memory up to its end.
//   0                nothing: not carved yet, inside of a block, or not RAM
//   kFree | order    the first page of a free block
//   kUsed | order    the first page of an allocated block
//   kSlab (flag)     any page of an allocated block that the heap has cut up
constexpr std::uint8_t kOrderMask = 0x0f, kFree = 0x10, kUsed = 0x20, kSlab = 0x40;

class Allocator {
 public:
  void initialise(MemoryMap& map) {
    end_page_ = map.end() / kPageSize;
    const std::uint64_t table_size = align_up(end_page_, kPageSize);
    // Above 1 MiB, so that what lies below stays whole for small needs.
    const std::uint64_t table = map.take(table_size, kMiB);
    if (table == 0) panic("no room for the page table of %lu pages", end_page_);
    // Its bytes are set when their block is carved, so memory that nobody needs costs nothing.
    states_ = to_virtual(PhysicalAddress{table}).as<std::uint8_t>();
    for (const MemoryRange& range : map.ranges()) {
      ranges_[range_count_++] = range;
      total_ += range.size() / kPageSize;
    }
    uncarved_ = total_;
  }

  // Leaves at least `keep` pages.
  PageBlock allocate(unsigned order, std::size_t keep = 0) {
    if (order > kMaxPageOrder) return {};
    const LockGuard guard(lock_);
    if (free_pages_ + uncarved_ < keep + (std::size_t{1} << order)) return {};
    for (;;) {
      for (unsigned o = order; o <= kMaxPageOrder; ++o) {
        FreeBlock* block = free_[o].pop_front();
        if (block == nullptr) continue;
        // The upper halves of what is too large become free blocks.
        const std::uint64_t page = page_of(block);
        while (o > order) {
          --o;
          insert(page + (std::uint64_t{1} << o), o);
        }
        states_[page] = static_cast<std::uint8_t>(kUsed | order);
        free_pages_ -= std::size_t{1} << order;
        return {block, order};
      }
      if (!carve()) return {};
    }
  }

  // Whole largest blocks, so that the states of their pages are never looked at: buddies lie in one
  // largest block.
  std::span<std::byte> reserve(std::size_t bytes) {
    constexpr std::uint64_t kLargest = kPageSize << kMaxPageOrder;
    const std::uint64_t size = align_up(bytes, kLargest);
    const LockGuard guard(lock_);
    // From the end: carving goes upwards. One place is needed for what lies behind.
    for (std::size_t i = range_count_; i-- > next_range_ && range_count_ < std::size(ranges_);) {
      MemoryRange& range = ranges_[i];
      const std::uint64_t end = align_down(range.end, kLargest);
      if (end < size || end - size < range.begin) continue;
      const MemoryRange behind{end, range.end};
      range.end = end - size;
      std::copy_backward(ranges_ + i + 1, ranges_ + range_count_, ranges_ + range_count_ + 1);
      ranges_[i + 1] = behind;
      ++range_count_;
      uncarved_ -= size / kPageSize;
      return {to_virtual(PhysicalAddress{end - size}).as<std::byte>(), size};
    }
    return {};
  }

  void free(PageBlock block) {
    std::uint64_t page = page_of(block.data);
    const LockGuard guard(lock_);
    if (page >= end_page_ || (states_[page] & ~kSlab) != (kUsed | block.order)) {
      panic("free_pages: %p is not an allocated block of order %u (state %#x)", block.data,
            block.order, page < end_page_ ? states_[page] : 0);
    }
    std::memset(states_ + page, 0, std::size_t{1} << block.order);
    free_pages_ += std::size_t{1} << block.order;
    unsigned order = block.order;
    // Buddies differ in one bit of their page number; the largest block bounds them, so a buddy is
    // always carved.
    for (; order < kMaxPageOrder; ++order) {
      const std::uint64_t buddy = page ^ (std::uint64_t{1} << order);
      if (buddy >= end_page_ || states_[buddy] != (kFree | order)) break;
      free_[order].remove(block_of(buddy));
      states_[buddy] = 0;
      page = std::min(page, buddy);
    }
    insert(page, order);
  }

  void split(PageBlock block) {
    const std::uint64_t page = page_of(block.data);
    const LockGuard guard(lock_);
    std::memset(states_ + page, kUsed, std::size_t{1} << block.order);
  }

  std::size_t total() const { return total_; }

  void set_use(PageBlock block, PageUse use) {
    const std::uint64_t page = page_of(block.data);
    for (std::size_t i = 0; i < std::size_t{1} << block.order; ++i) {
      std::uint8_t& state = states_[page + i];
      state = static_cast<std::uint8_t>(use == PageUse::kSlab ? state | kSlab : state & ~kSlab);
    }
  }

  PageUse use(const void* address) const {
    const std::uint64_t page = page_of(address);
    if (page >= end_page_) panic("%p is not an address of the heap", address);
    return (states_[page] & kSlab) != 0 ? PageUse::kSlab : PageUse::kBlock;
  }

  PageBlock block_at(void* address) const {
    const std::uint64_t page = page_of(address);
    if (page >= end_page_ || (states_[page] & kUsed) == 0) {
      panic("%p is not the start of an allocated block", address);
    }
    return {address, static_cast<unsigned>(states_[page] & kOrderMask)};
  }

  PageStatistics statistics() {
    const LockGuard guard(lock_);
    return {total_, free_pages_ + uncarved_};
  }

 private:
  static std::uint64_t page_of(const void* address) {
    return to_physical(address).value / kPageSize;
  }
  static FreeBlock* block_of(std::uint64_t page) {
    return to_virtual(PhysicalAddress{page * kPageSize}).as<FreeBlock>();
  }

  void insert(std::uint64_t page, unsigned order) {
    states_[page] = static_cast<std::uint8_t>(kFree | order);
    FreeBlock* block = block_of(page);
    block->hook = {};
    free_[order].push_front(block);
  }

  // Makes the next stretch of untouched memory, at most one largest block, available. False when
  // there is none.
  bool carve() {
    while (next_range_ < range_count_) {
      MemoryRange& range = ranges_[next_range_];
      if (range.begin == range.end) {
        ++next_range_;
        continue;
      }
      constexpr std::uint64_t kLargest = kPageSize << kMaxPageOrder;
      const std::uint64_t end = std::min(range.end, align_down(range.begin, kLargest) + kLargest);
      std::uint64_t page = range.begin / kPageSize;
      const std::uint64_t end_page = end / kPageSize;
      // The states of the whole largest block around it are set, so that buddies outside of RAM
      // read as not free. A second range in the same block must not wipe out the first's.
      const std::uint64_t block = page >> kMaxPageOrder;
      if (block + 1 != initialised_blocks_) {
        const std::uint64_t first = block << kMaxPageOrder;
        const std::uint64_t pages = std::min<std::uint64_t>(1 << kMaxPageOrder, end_page_ - first);
        std::memset(states_ + first, 0, pages);
        initialised_blocks_ = block + 1;
      }
      uncarved_ -= end_page - page;
      free_pages_ += end_page - page;
      while (page < end_page) {
        unsigned order = 0;
        while (order < kMaxPageOrder && (page & (std::uint64_t{1} << order)) == 0 &&
               page + (std::uint64_t{2} << order) <= end_page) {
          ++order;
        }
        insert(page, order);
        page += std::uint64_t{1} << order;
      }
      range.begin = end;
      return true;
    }
    return false;
  }

  Spinlock lock_;
  IntrusiveList<FreeBlock, &FreeBlock::hook> free_[kMaxPageOrder + 1];
  std::uint8_t* states_ = nullptr;
  std::uint64_t end_page_ = 0;
  MemoryRange ranges_[64] = {};
  std::size_t range_count_ = 0, next_range_ = 0;
  std::uint64_t initialised_blocks_ = 0;  // one past the last, since ranges are sorted
  std::size_t total_ = 0, free_pages_ = 0, uncarved_ = 0;
};

constinit Allocator allocator;

}  // namespace

void initialise_pages(MemoryMap& map) { allocator.initialise(map); }

PageBlock allocate_pages(unsigned order, Zeroed zeroed) {
  const PageBlock block = allocator.allocate(order);
  if (block && zeroed == Zeroed::kYes) std::memset(block.data, 0, block.size());
  return block;
}

namespace {

PageBlock allocate_keeping(std::size_t keep, unsigned order, Zeroed zeroed) {
  const PageBlock block = allocator.allocate(order, keep);
  if (block && zeroed == Zeroed::kYes) std::memset(block.data, 0, block.size());
  return block;
}

}  // namespace

PageBlock allocate_program_pages(unsigned order, Zeroed zeroed) {
  // A sixty-fourth, at least 256 KiB: slabs, stacks and page tables of what goes on until the
  // program has ended or has freed something.
  return allocate_keeping(std::max<std::size_t>(64, allocator.total() / 64), order, zeroed);
}

PageBlock allocate_object_page() {
  return allocate_keeping(std::max<std::size_t>(128, allocator.total() / 16), 0, Zeroed::kYes);
}

void split_pages(PageBlock block) { allocator.split(block); }
std::span<std::byte> reserve_memory(std::size_t bytes) { return allocator.reserve(bytes); }
void free_pages(PageBlock block) { allocator.free(block); }
void set_page_use(PageBlock block, PageUse use) { allocator.set_use(block, use); }
PageUse page_use(const void* address) { return allocator.use(address); }
PageBlock block_at(void* address) { return allocator.block_at(address); }
PageStatistics page_statistics() { return allocator.statistics(); }

}  // namespace plumbline
