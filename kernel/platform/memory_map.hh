// Which physical memory may be used: RAM minus what is taken. Portable.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace plumbline {

struct MemoryRange {
  std::uint64_t begin;
  std::uint64_t end;
  std::uint64_t size() const { return end - begin; }
  bool operator==(const MemoryRange&) const = default;
};

// Sorted, disjoint ranges of whole pages. When its 64 places run out, the smallest range is
// dropped: memory is lost, never handed out twice.
class MemoryMap {
 public:
  // Adds RAM, shrunk to whole pages. Overlaps with what is there are merged.
  void add(std::uint64_t address, std::uint64_t size);
  // Takes a range out, grown to whole pages.
  void reserve(std::uint64_t address, std::uint64_t size);
  std::span<const MemoryRange> ranges() const { return {ranges_.data(), count_}; }
  std::uint64_t total() const;
  // One past the highest usable byte; 0 when empty.
  std::uint64_t end() const { return count_ == 0 ? 0 : ranges_[count_ - 1].end; }
  // Takes `size` bytes (whole pages) at or above `from`; 0 when no range is long enough.
  std::uint64_t take(std::uint64_t size, std::uint64_t from);

 private:
  void insert_at(std::size_t position, MemoryRange range);
  void erase_at(std::size_t position);

  std::array<MemoryRange, 64> ranges_{};
  std::size_t count_ = 0;
};

}  // namespace plumbline
