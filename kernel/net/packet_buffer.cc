#include "net/packet_buffer.hh"

#include <algorithm>
#include <new>
#include <utility>

namespace plumbline::net {

namespace {

// Of a first-level cache: 32 KiB in 8 ways, 48 KiB in 12.
constexpr size_t kCacheSets = 64;

}  // namespace

void BufferPool::init(std::span<std::byte> memory, uint64_t physical) {
  ASSERT(count_ == 0);
  ASSERT(reinterpret_cast<uintptr_t>(memory.data()) % 64 == 0 && physical % 64 == 0);
  count_ = std::min(memory.size() / bytes_needed(1), kMaximumCount);
  std::byte* const areas = memory.data() + count_ * sizeof(PacketBuffer);
  const uint64_t areas_physical = physical + count_ * sizeof(PacketBuffer);
  // Last one first, so that the first allocations go upwards through the descriptors.
  for (size_t i = count_; i-- > 0;) {
    auto* buffer = new (memory.data() + i * sizeof(PacketBuffer)) PacketBuffer{};
    buffer->memory = areas + i * kStride;
    buffer->physical = areas_physical + i * kStride;
    buffer->capacity = kCapacity;
    buffer->source = this;
    buffer->reset();
    buffer->next = free_;
    free_ = buffer;
  }
  buffers_ = reinterpret_cast<PacketBuffer*>(memory.data());
  shuffle_areas(buffers());
}

void BufferPool::take_back(BufferSource& pool, PacketBuffer* buffer) {
  static_cast<BufferPool&>(pool).put(buffer);
}

void BufferPool::release_any(PacketBuffer* buffer) { net::release(buffer); }

// Buffers follow one another in a ring in the order in which they were first handed out. If their
// memory lay in that order too, this core's prefetcher would see the constant distance and fetch
// the first lines of the next ones, which the other end of the ring is just writing: every store
// there would have to take its line back (measured: 15 to 20 % of the load generator's time a
// request; `npm run bench -- --workload memcached-udp --subject plumbline` shows its busy share).
void BufferPool::shuffle_areas(std::span<PacketBuffer> buffers) {
  // Always the same order: two boots are to execute the same instructions. Constants of Numerical
  // Recipes' linear congruential generator; its high bits choose.
  uint32_t state = 1;
  // Within groups whose starts lie in as many cache sets, so that buffers in use together still
  // spread over all of them.
  for (size_t begin = 0; begin < buffers.size(); begin += kCacheSets) {
    const auto group = buffers.subspan(begin, std::min(kCacheSets, buffers.size() - begin));
    for (size_t i = group.size(); i > 1; --i) {
      state = state * 1664525 + 1013904223;
      const auto other = static_cast<size_t>(uint64_t{state} * i >> 32);
      std::swap(group[i - 1].memory, group[other].memory);
      std::swap(group[i - 1].physical, group[other].physical);
    }
  }
}

}  // namespace plumbline::net
