// For hosted tests: the memory of socket queues, which counts what is out and can be made scarce.
#pragma once

#include <cstdlib>
#include <string>

#include "net/queue_memory.hh"
#include "net/test_network.hh"

namespace plumbline::net {

struct TestQueueMemory {
  explicit TestQueueMemory(size_t buffers = 256, size_t most_bytes = 64 << 20)
      : area(BufferPool::bytes_needed(buffers)),
        pool_ready((pool.init(area.span().first(BufferPool::bytes_needed(buffers)), 0), true)),
        memory(pool, source(), most_bytes) {}

  tcp::MemorySource source() {
    return {[](void* self, size_t bytes) -> void* {
              auto& test = *static_cast<TestQueueMemory*>(self);
              if (test.refuse_pages) return nullptr;
              test.bytes_out += bytes;
              void* const made = std::aligned_alloc(bytes, bytes);
              // Nothing may rely on memory being zero at first.
              std::memset(made, 0xa5, bytes);
              return made;
            },
            [](void* self, void* memory, size_t bytes) {
              static_cast<TestQueueMemory*>(self)->bytes_out -= bytes;
              std::free(memory);
            },
            this};
  }

  size_t bytes_out = 0;
  bool refuse_pages = false;
  AlignedMemory area;
  BufferPool pool;
  bool pool_ready;
  QueueMemory memory;
};

// The byte of a test's stream at a place.
inline char stream_byte(uint32_t at) { return static_cast<char>((at * 2654435761u) >> 24); }
inline std::string stream_bytes(uint32_t begin, uint32_t length) {
  std::string bytes(length, 0);
  for (uint32_t i = 0; i < length; ++i) bytes[i] = stream_byte(begin + i);
  return bytes;
}
inline std::string text_of_chain(const PacketBuffer* frame) {
  std::string text;
  for (; frame != nullptr; frame = frame->next)
    text.append(reinterpret_cast<const char*>(frame->data), frame->length);
  return text;
}

}  // namespace plumbline::net
