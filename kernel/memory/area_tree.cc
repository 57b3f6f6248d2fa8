#include "memory/area_tree.hh"

#include <algorithm>
#include <new>

#include "core/assert.hh"

namespace plumbline {
namespace {

// Works out what a node knows of its subtree from its children.
void pull(Area* node) {
  node->low = node->left != nullptr ? node->left->low : node->begin;
  node->high = node->right != nullptr ? node->right->high : node->end;
  node->longest_gap = 0;
  if (node->left != nullptr) {
    node->longest_gap = std::max(node->left->longest_gap, node->begin - node->left->high);
  }
  if (node->right != nullptr) {
    node->longest_gap =
        std::max({node->longest_gap, node->right->longest_gap, node->right->low - node->end});
  }
}

// Areas that begin below `address`, and the rest.
void cut(Area* node, std::uint64_t address, Area*& below, Area*& rest) {
  if (node == nullptr) {
    below = rest = nullptr;
  } else if (node->begin < address) {
    cut(node->right, address, node->right, rest);
    below = node;
    pull(node);
  } else {
    cut(node->left, address, below, node->left);
    rest = node;
    pull(node);
  }
}

// All of `below` lies before all of `above`.
Area* join(Area* below, Area* above) {
  if (below == nullptr) return above;
  if (above == nullptr) return below;
  if (below->priority > above->priority) {
    below->right = join(below->right, above);
    pull(below);
    return below;
  }
  above->left = join(below, above->left);
  pull(above);
  return above;
}

Area* without(Area* node, const Area* area) {
  ASSERT(node != nullptr);
  if (node == area) return join(node->left, node->right);
  Area*& child = area->begin < node->begin ? node->left : node->right;
  child = without(child, area);
  pull(node);
  return node;
}

// The ends of the area at `address` have changed.
void refresh(Area* node, std::uint64_t address) {
  ASSERT(node != nullptr);
  if (address < node->begin) {
    refresh(node->left, address);
  } else if (address >= node->end) {
    refresh(node->right, address);
  }
  pull(node);
}

void list_in_object(Area* area) {
  if (!area->object) return;
  area->previous_in_object = nullptr;
  area->next_in_object = area->object->areas;
  if (area->next_in_object != nullptr) area->next_in_object->previous_in_object = area;
  area->object->areas = area;
}

void unlist_in_object(Area* area) {
  if (!area->object) return;
  Area*& link = area->previous_in_object != nullptr ? area->previous_in_object->next_in_object
                                                    : area->object->areas;
  link = area->next_in_object;
  if (area->next_in_object != nullptr) {
    area->next_in_object->previous_in_object = area->previous_in_object;
  }
}

bool are_alike(const Area& first, const Area& second) {
  if (first.end != second.begin || !(first.attributes == second.attributes) ||
      !(first.object == second.object)) {
    return false;
  }
  return !first.object || first.offset + first.length() == second.offset;
}

struct GapSearch {
  std::uint64_t length, room, alignment;

  // The highest fitting place in the free range [begin, end).
  std::uint64_t place(std::uint64_t begin, std::uint64_t end) const {
    if (end < begin || end - begin < length + room) return 0;
    const std::uint64_t address = (end - length) & ~(alignment - 1);
    return address >= begin + room ? address : 0;
  }

  // Within [begin, end), where the areas are those of `node`.
  std::uint64_t search(const Area* node, std::uint64_t begin, std::uint64_t end) const {
    if (end <= begin || end - begin < length + room) return 0;
    if (node == nullptr) return place(begin, end);
    const auto wide = [&](std::uint64_t from, std::uint64_t to) {
      return to > from && to - from >= length + room;
    };
    if (node->longest_gap < length + room && !wide(begin, node->low) && !wide(node->high, end)) {
      return 0;
    }
    if (const std::uint64_t found = search(node->right, std::max(begin, node->end), end)) {
      return found;
    }
    return search(node->left, begin, std::min(end, node->begin));
  }
};

}  // namespace

AreaTree::~AreaTree() {
  while (root_ != nullptr) {
    Area* area = root_;
    remove(area);
    delete area;
  }
}

Area* AreaTree::first_from(std::uint64_t address) const {
  Area* best = nullptr;
  for (Area* node = root_; node != nullptr;) {
    if (node->end > address) {
      best = node;
      node = node->left;
    } else {
      node = node->right;
    }
  }
  return best;
}

Area* AreaTree::find(std::uint64_t address) const {
  Area* area = first_from(address);
  return area != nullptr && area->begin <= address ? area : nullptr;
}

bool AreaTree::is_free(std::uint64_t begin, std::uint64_t end) const {
  const Area* area = first_from(begin);
  return area == nullptr || area->begin >= end;
}

void AreaTree::insert(Area* area) {
  ASSERT(area->begin < area->end && is_free(area->begin, area->end));
  // xorshift (Marsaglia 2003)
  random_ ^= random_ << 13;
  random_ ^= random_ >> 17;
  random_ ^= random_ << 5;
  area->priority = random_;
  area->left = area->right = nullptr;
  pull(area);
  Area *below, *above;
  cut(root_, area->begin, below, above);
  root_ = join(join(below, area), above);
  list_in_object(area);
  ++count_;
}

void AreaTree::remove(Area* area) {
  root_ = without(root_, area);
  area->left = area->right = nullptr;
  unlist_in_object(area);
  --count_;
}

void AreaTree::resize(Area* area, std::uint64_t begin, std::uint64_t end) {
  ASSERT(begin < end);
  area->begin = begin;
  area->end = end;
  refresh(root_, begin);
}

bool AreaTree::split(std::uint64_t address) {
  Area* area = find(address);
  if (area == nullptr || area->begin == address) return true;
  if (count_ >= kMost) return false;
  Area* upper = new (std::nothrow) Area;
  if (upper == nullptr) return false;
  upper->begin = address;
  upper->end = area->end;
  upper->attributes = area->attributes;
  upper->object = area->object;
  upper->untouched = area->untouched;
  if (area->object) upper->offset = area->offset + (address - area->begin);
  resize(area, area->begin, address);
  insert(upper);
  return true;
}

void AreaTree::merge(std::uint64_t begin, std::uint64_t end, Area*& gone) {
  Area* area = first_from(begin == 0 ? 0 : begin - 1);
  while (area != nullptr && area->end <= end) {
    Area* following = next(*area);
    if (following == nullptr) return;
    if (!are_alike(*area, *following)) {
      area = following;
      continue;
    }
    remove(following);
    // It may lie beyond the end, where it says nothing: there the next area counts.
    if (area->untouched >= area->end) {
      area->untouched = std::max(area->end, following->untouched);
    }
    resize(area, area->begin, following->end);
    following->right = gone;
    gone = following;
  }
}

std::uint64_t AreaTree::find_gap(std::uint64_t length, std::uint64_t room, std::uint64_t alignment,
                                 std::uint64_t bottom, std::uint64_t top) const {
  return GapSearch{length, room, alignment}.search(root_, bottom, top);
}

}  // namespace plumbline
