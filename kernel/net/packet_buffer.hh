// Packet buffers: the memory that a network device reads and writes, and the pool it comes from.
//
// A buffer's descriptor (PacketBuffer, one cache line) lies apart from its data. The data areas are
// an odd number of cache lines apart, so that the headers of a burst fall into different cache
// sets; with a power of two between them, 64 packets would share two sets of the first-level cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/assert.hh"

namespace plumbline::net {

class BufferPool;

// What is known, or wanted, of a packet's transport checksum.
enum class ChecksumState : uint8_t {
  kUnknown,  // received: not looked at by the device; to send: complete already
  kValid,    // received: the device vouches for it (VIRTIO_NET_HDR_F_DATA_VALID or _NEEDS_CSUM)
  kPartial,  // to send: the device sums from checksum_start and stores at checksum_offset
};

// One linear buffer that a device can read and write. `data` may move within the buffer, never
// closer to its start than `kHeadroom` when the buffer is given to a network device to transmit.
struct alignas(64) PacketBuffer {
  // Room for the 12-byte virtio-net header directly in front of the default `data`. The buffer's
  // start is aligned to a cache line, so virtio header, Ethernet, IPv4 and UDP headers (12 + 14 +
  // 20 + 8) share the first line.
  static constexpr size_t kHeadroom = 12;

  std::byte* data;           // first byte of the frame
  uint32_t length;           // bytes of the frame in this buffer
  uint32_t capacity;         // bytes from `data`'s default position to the end of the buffer
  uint64_t physical;         // physical address of `start()`
  PacketBuffer* next;        // rest of a frame that spans buffers (mergeable receive), or nullptr
  BufferPool* pool;          // where it returns to
  uint16_t checksum_start;   // kPartial: bytes from `data` at which summing starts
  uint16_t checksum_offset;  // kPartial: bytes from there to the checksum field
  ChecksumState checksum;
  bool in_use;        // false while on the pool's free list; catches a double release
  uint16_t index;     // position in the pool
  std::byte* memory;  // see start()

  // First byte of the buffer's memory: kHeadroom bytes before the default `data`.
  std::byte* start() const { return memory; }
  // Puts `data` back to its default position, with nothing in it.
  void reset() {
    data = memory + kHeadroom;
    length = 0;
    next = nullptr;
    checksum = ChecksumState::kUnknown;
  }
  // Physical address of `data`.
  uint64_t data_physical() const { return physical + static_cast<uint64_t>(data - memory); }
  std::span<std::byte> bytes() const { return {data, length}; }
  // Bytes that may still be appended behind the frame.
  size_t tailroom() const {
    return static_cast<size_t>(memory + kHeadroom + capacity - (data + length));
  }
};
static_assert(sizeof(PacketBuffer) == 64);

// A fixed number of packet buffers in one piece of memory. One owner (the thread of a queue pair)
// allocates and releases; there is no lock. Both are O(1), last in first out, so that the buffer
// handed out next is the one most likely to be in the cache.
class BufferPool {
 public:
  // Distance between two buffers' starts: 33 cache lines (odd, see above); capacity 2100 bytes,
  // enough for a frame of a 1500-byte MTU with headers.
  static constexpr size_t kStride = 33 * 64;
  static constexpr size_t kCapacity = kStride - PacketBuffer::kHeadroom;
  static constexpr size_t kMaximumCount = 65535;

  // Memory for `count` buffers, descriptors included.
  static constexpr size_t bytes_needed(size_t count) {
    return count * (sizeof(PacketBuffer) + kStride);
  }

  // An empty pool: allocate() gives nullptr until init().
  BufferPool() = default;
  // Takes as many buffers as fit into `memory`, which must be aligned to 64 bytes, physically
  // contiguous from `physical` on, and outlive the pool. (Hosted tests pass any `physical`.)
  void init(std::span<std::byte> memory, uint64_t physical);
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // A reset buffer, or nullptr when none is left.
  PacketBuffer* allocate() {
    PacketBuffer* buffer = free_;
    if (buffer == nullptr) [[unlikely]]
      return nullptr;
    free_ = buffer->next;
    ++used_;
    buffer->in_use = true;
    buffer->reset();
    return buffer;
  }

  // Gives one buffer back. It must be this pool's, and in use. Does not follow `next`.
  void release(PacketBuffer* buffer) {
    ASSERT(buffer->pool == this && buffer->in_use);
    buffer->in_use = false;
    buffer->next = free_;
    free_ = buffer;
    --used_;
  }

  // Gives back a frame: the buffer and everything chained behind it.
  void release_chain(PacketBuffer* buffer) {
    while (buffer != nullptr) {
      PacketBuffer* const next = buffer->next;
      release(buffer);
      buffer = next;
    }
  }

  size_t count() const { return count_; }
  // Buffers handed out and not given back: the number the lost-buffer check compares.
  size_t in_use() const { return used_; }

 private:
  static void shuffle_areas(std::span<PacketBuffer> buffers);

  PacketBuffer* free_ = nullptr;
  size_t used_ = 0;
  size_t count_ = 0;
};

}  // namespace plumbline::net
