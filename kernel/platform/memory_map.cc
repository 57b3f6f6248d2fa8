#include "platform/memory_map.hh"

#include <algorithm>

#include "core/assert.hh"
#include "core/units.hh"

namespace plumbline {
namespace {

// The end of a range that firmware describes; it may be nonsense, so it must not wrap.
std::uint64_t end_of(std::uint64_t address, std::uint64_t size) {
  const std::uint64_t most = ~std::uint64_t{0} - kPageSize;
  if (address > most) return most;
  return size > most - address ? most : address + size;
}

}  // namespace

void MemoryMap::insert_at(std::size_t position, MemoryRange range) {
  if (count_ == ranges_.size()) {
    const auto smallest =
        std::min_element(ranges_.begin(), ranges_.end(),
                         [](const auto& a, const auto& b) { return a.size() < b.size(); });
    if (smallest->size() >= range.size()) return;
    const auto dropped = static_cast<std::size_t>(smallest - ranges_.begin());
    erase_at(dropped);
    if (dropped < position) --position;
  }
  std::move_backward(ranges_.begin() + static_cast<std::ptrdiff_t>(position),
                     ranges_.begin() + static_cast<std::ptrdiff_t>(count_),
                     ranges_.begin() + static_cast<std::ptrdiff_t>(count_ + 1));
  ranges_[position] = range;
  ++count_;
}

void MemoryMap::erase_at(std::size_t position) {
  std::move(ranges_.begin() + static_cast<std::ptrdiff_t>(position + 1),
            ranges_.begin() + static_cast<std::ptrdiff_t>(count_),
            ranges_.begin() + static_cast<std::ptrdiff_t>(position));
  --count_;
}

void MemoryMap::add(std::uint64_t address, std::uint64_t size) {
  MemoryRange range{align_up(std::min(address, ~std::uint64_t{0} - kPageSize), kPageSize),
                    align_down(end_of(address, size), kPageSize)};
  if (range.begin >= range.end) return;
  std::size_t i = 0;
  while (i < count_ && ranges_[i].end < range.begin) ++i;
  while (i < count_ && ranges_[i].begin <= range.end) {
    range.begin = std::min(range.begin, ranges_[i].begin);
    range.end = std::max(range.end, ranges_[i].end);
    erase_at(i);
  }
  insert_at(i, range);
}

void MemoryMap::reserve(std::uint64_t address, std::uint64_t size) {
  if (size == 0) return;
  const std::uint64_t begin = align_down(address, kPageSize);
  const std::uint64_t end = align_up(end_of(address, size), kPageSize);
  for (std::size_t i = 0; i < count_;) {
    const MemoryRange range = ranges_[i];
    if (range.end <= begin || range.begin >= end) {
      ++i;
      continue;
    }
    erase_at(i);
    if (range.begin < begin) insert_at(i++, {range.begin, begin});
    if (range.end > end) insert_at(i++, {end, range.end});
  }
}

std::uint64_t MemoryMap::total() const {
  std::uint64_t sum = 0;
  for (const MemoryRange& range : ranges()) sum += range.size();
  return sum;
}

std::uint64_t MemoryMap::take(std::uint64_t size, std::uint64_t from) {
  ASSERT(size % kPageSize == 0 && from % kPageSize == 0);
  for (std::size_t i = 0; i < count_; ++i) {
    const std::uint64_t begin = std::max(ranges_[i].begin, from);
    if (begin >= ranges_[i].end || ranges_[i].end - begin < size) continue;
    reserve(begin, size);
    return begin;
  }
  return 0;
}

}  // namespace plumbline
