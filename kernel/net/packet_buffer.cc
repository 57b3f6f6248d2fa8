#include "net/packet_buffer.hh"

#include <algorithm>
#include <new>

namespace plumbline::net {

void BufferPool::init(std::span<std::byte> memory, uint64_t physical) {
  ASSERT(count_ == 0);
  ASSERT(reinterpret_cast<uintptr_t>(memory.data()) % 64 == 0 && physical % 64 == 0);
  count_ = std::min(memory.size() / bytes_needed(1), kMaximumCount);
  std::byte* const areas = memory.data() + count_ * sizeof(PacketBuffer);
  const uint64_t areas_physical = physical + count_ * sizeof(PacketBuffer);
  // Last one first, so that the first allocations go upwards through memory.
  for (size_t i = count_; i-- > 0;) {
    auto* buffer = new (memory.data() + i * sizeof(PacketBuffer)) PacketBuffer{};
    buffer->memory = areas + i * kStride;
    buffer->physical = areas_physical + i * kStride;
    buffer->capacity = kCapacity;
    buffer->pool = this;
    buffer->index = static_cast<uint16_t>(i);
    buffer->reset();
    buffer->next = free_;
    free_ = buffer;
  }
}

}  // namespace plumbline::net
