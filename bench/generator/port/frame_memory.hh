// The memory that TCP's frames lie in, on both ways: small buffers as a network card has them, and
// large ones for what the other side has not cut into segments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "net/packet_buffer.hh"

namespace plumbline::generator {

class FrameMemory {
 public:
  // The longest frame: the longest IP packet and an Ethernet header.
  static constexpr uint32_t kMostBytes = 65535 + 14;

  FrameMemory();
  ~FrameMemory();
  FrameMemory(const FrameMemory&) = delete;
  FrameMemory& operator=(const FrameMemory&) = delete;

  // A buffer for a frame of `bytes` bytes, at most kMostBytes, to be written at `data`; its length
  // is set. nullptr: none is left.
  net::PacketBuffer* allocate(uint32_t bytes) {
    if (bytes > net::BufferPool::kCapacity) [[unlikely]]
      return allocate_large(bytes);
    net::PacketBuffer* const buffer = small_.allocate();
    if (buffer != nullptr) [[likely]]
      buffer->length = bytes;
    return buffer;
  }
  // One for a frame of any length; set_length() when it is known.
  net::PacketBuffer* allocate_large(uint32_t bytes = kMostBytes);
  static void set_length(net::PacketBuffer* large, uint32_t bytes);

  net::BufferPool& small() { return small_; }

 private:
  struct Unmap {
    size_t bytes = 0;
    void operator()(std::byte* memory) const;
  };
  using Mapping = std::unique_ptr<std::byte, Unmap>;
  static Mapping map(size_t bytes);

  // Last in, first out, so that few of them are in use, and in the cache.
  struct Large : net::BufferSource {
    Large() : BufferSource(take_back) {}
    static void take_back(net::BufferSource& source, net::PacketBuffer* buffer);
    net::PacketBuffer* free = nullptr;
  };

  Mapping small_memory_;
  Mapping large_memory_;
  std::unique_ptr<net::PacketBuffer[]> large_buffers_;
  net::BufferPool small_;
  Large large_;
};

}  // namespace plumbline::generator
