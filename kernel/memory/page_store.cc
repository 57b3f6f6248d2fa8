#include "memory/page_store.hh"

#include <algorithm>
#include <new>

#include "core/assert.hh"
#include "memory/pages.hh"

namespace plumbline {
namespace {

constexpr unsigned kBits = 6;
constexpr unsigned kSlots = 1 << kBits;
// In a leaf's slot: the page is somebody else's. Pages are aligned, so the bit is free.
constexpr std::uintptr_t kLent = 1;

void* page_of(std::uintptr_t slot) { return reinterpret_cast<void*>(slot & ~kLent); }

// One past the highest index of a tree with `height` levels; 0 stands for 2^64.
std::uint64_t indexes(unsigned height) {
  return height * kBits >= 64 ? 0 : std::uint64_t{1} << (height * kBits);
}

bool fits(std::uint64_t index, unsigned height) {
  return height != 0 && (indexes(height) == 0 || index < indexes(height));
}

unsigned slot_number(std::uint64_t index, unsigned level) {
  return static_cast<unsigned>(index >> (level * kBits)) & (kSlots - 1);
}

}  // namespace

// Slots are nodes of the level below, or in level 0 pages with their flag. `used` of them are not
// zero.
struct PageStore::Node {
  std::uintptr_t slots[kSlots] = {};
  unsigned used = 0;

  Node* child(unsigned slot) const { return reinterpret_cast<Node*>(slots[slot]); }
};

PageStore::~PageStore() { remove(0, ~std::uint64_t{0}); }

void* PageStore::find(std::uint64_t index) const {
  if (!fits(index, height_)) return nullptr;
  const Node* node = root_;
  for (unsigned level = height_ - 1; level != 0 && node != nullptr; --level) {
    node = node->child(slot_number(index, level));
  }
  return node == nullptr ? nullptr : page_of(node->slots[slot_number(index, 0)]);
}

std::uintptr_t* PageStore::make_slot(std::uint64_t index) {
  while (!fits(index, height_)) {
    if (root_ != nullptr) {
      Node* above = new (std::nothrow) Node;
      if (above == nullptr) return nullptr;
      above->slots[0] = reinterpret_cast<std::uintptr_t>(root_);
      above->used = 1;
      root_ = above;
    }
    ++height_;
  }
  if (root_ == nullptr && (root_ = new (std::nothrow) Node) == nullptr) return nullptr;
  Node* node = root_;
  for (unsigned level = height_ - 1; level != 0; --level) {
    std::uintptr_t& slot = node->slots[slot_number(index, level)];
    if (slot == 0) {
      Node* fresh = new (std::nothrow) Node;
      // Empty nodes that this leaves behind are taken out by the next remove, or serve the next
      // attempt.
      if (fresh == nullptr) return nullptr;
      slot = reinterpret_cast<std::uintptr_t>(fresh);
      ++node->used;
    }
    node = reinterpret_cast<Node*>(slot);
  }
  std::uintptr_t& slot = node->slots[slot_number(index, 0)];
  // The caller fills it, or takes this back.
  if (slot == 0) ++node->used;
  return &slot;
}

void* PageStore::find_or_create(std::uint64_t index) {
  if (void* page = find(index); page != nullptr) return page;
  // The page first: a slot that stays empty would have to be taken back.
  const PageBlock block = allocate_object_page();
  if (!block) return nullptr;
  std::uintptr_t* slot = make_slot(index);
  if (slot == nullptr) {
    free_pages(block);
    return nullptr;
  }
  *slot = reinterpret_cast<std::uintptr_t>(block.data);
  ++count_;
  return block.data;
}

bool PageStore::lend(std::uint64_t index, void* page) {
  ASSERT(find(index) == nullptr);
  ASSERT(reinterpret_cast<std::uintptr_t>(page) % kPageSize == 0);
  std::uintptr_t* slot = make_slot(index);
  if (slot == nullptr) return false;
  *slot = reinterpret_cast<std::uintptr_t>(page) | kLent;
  ++count_;
  return true;
}

bool PageStore::remove_below(Node* node, unsigned height, std::uint64_t base, std::uint64_t first,
                             std::uint64_t end) {
  const std::uint64_t step = height == 1 ? 1 : indexes(height - 1);
  const auto from = static_cast<unsigned>(first <= base ? 0 : (first - base) / step);
  for (unsigned i = from; i < kSlots && node->used != 0; ++i) {
    const std::uint64_t begin = base + i * step;
    if (begin >= end) break;
    std::uintptr_t& slot = node->slots[i];
    if (slot == 0) continue;
    if (height == 1) {
      if ((slot & kLent) == 0) free_pages({page_of(slot), 0});
      --count_;
    } else if (!remove_below(node->child(i), height - 1, begin, first, end)) {
      continue;
    }
    slot = 0;
    --node->used;
  }
  if (node->used != 0) return false;
  delete node;
  return true;
}

void PageStore::remove(std::uint64_t first, std::uint64_t end) {
  if (root_ == nullptr || first >= end || !fits(first, height_)) return;
  if (remove_below(root_, height_, 0, first, end)) {
    root_ = nullptr;
    height_ = 0;
  }
}

std::uint64_t PageStore::next_page(std::uint64_t from, std::uint64_t end) const {
  while (from < end && root_ != nullptr && fits(from, height_)) {
    const Node* node = root_;
    unsigned level = height_ - 1;
    while (level != 0 && node->child(slot_number(from, level)) != nullptr) {
      node = node->child(slot_number(from, level));
      --level;
    }
    if (level == 0 && node->slots[slot_number(from, 0)] != 0) return from;
    // Nothing under this slot: on to the next one of the level.
    const std::uint64_t step = std::uint64_t{1} << (level * kBits);
    const std::uint64_t next = (from & ~(step - 1)) + step;
    if (next <= from) break;
    from = next;
  }
  return end;
}

std::uint64_t PageStore::next_hole(std::uint64_t from, std::uint64_t end) const {
  while (from < end && find(from) != nullptr) ++from;
  return std::min(from, end);
}

}  // namespace plumbline
