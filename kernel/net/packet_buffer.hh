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

struct PacketBuffer;

// Who takes a buffer back when its last reference goes. Not a virtual function: the common source,
// a queue pair's pool, is asked directly.
class BufferSource {
 public:
  using Recycle = void (*)(BufferSource& source, PacketBuffer* buffer);

  BufferSource(const BufferSource&) = delete;
  BufferSource& operator=(const BufferSource&) = delete;
  // Takes over `buffer`, which nobody refers to any more.
  void recycle(PacketBuffer* buffer) { recycle_(*this, buffer); }

 protected:
  explicit constexpr BufferSource(Recycle function) : recycle_(function) {}

 private:
  Recycle recycle_;
};

// What is known, or wanted, of a packet's transport checksum and segmentation.
enum class ChecksumState : uint8_t {
  kUnknown,  // received: not looked at by the device; to send: complete already
  kValid,    // received: the device vouches for it (VIRTIO_NET_HDR_F_DATA_VALID or _NEEDS_CSUM)
  // Received: several TCP segments of one flow that the device has joined. It vouches for each;
  // the checksum field itself need not be right. `segment_size` is the payload of one of them.
  kJoined,
  kPartial,  // to send: the device sums from checksum_start and stores at checksum_offset
  // To send: as kPartial, and the device cuts the TCP payload into segments of `segment_size`
  // bytes, each with headers of its own (TSO). Not for segments with CWR: it would be in each.
  kSegmentsIpv4,
  kSegmentsIpv6,
};

// What a buffer is kept for, beside being a frame on its way.
enum class BufferRole : uint8_t {
  kFrame,     // nothing
  kReceived,  // payload in a receive queue, which is at `link`
  kUnsent,    // payload in a send queue, of which no frame was made yet
  kSent,      // ... was made
  kLent,      // payload in a send queue that lies in somebody's buffer: no headers in front of it
};

// One linear buffer that a device can read and write. `data` may move within the buffer, never
// closer to its start than `kHeadroom` when the buffer is given to a network device to transmit
// as the first of its frame.
//
// A buffer is owned through references. Who hands it on hands on one reference; a sender that must
// be able to repeat a frame keeps one of its own while the device holds the other. What the device
// was told of (data, length, next) must not change meaning before it is done; bytes outside of
// that may be written.
struct alignas(64) PacketBuffer {
  // Room for the 12-byte virtio-net header directly in front of the default `data`. The buffer's
  // start is aligned to a cache line, so virtio header, Ethernet, IPv4 and UDP headers (12 + 14 +
  // 20 + 8) share the first line.
  static constexpr size_t kHeadroom = 12;
  static constexpr unsigned kMostReferences = 255;

  std::byte* data;          // first byte of the frame
  uint32_t length;          // bytes of the frame in this buffer
  uint16_t capacity;        // bytes from `data`'s default position to the end of the buffer
  uint16_t segment_size;    // of a frame in one of the states above that have one
  uint64_t physical;        // physical address of `start()`
  PacketBuffer* next;       // rest of a frame that spans buffers, or nullptr
  BufferSource* source;     // where it returns to
  uint16_t checksum_start;  // kPartial: bytes from `data` at which summing starts
  uint8_t checksum_offset;  // kPartial: bytes from there to the checksum field
  ChecksumState checksum;
  uint8_t references;  // 0 while nobody has it; catches a double release
  BufferRole role;
  uint16_t queued;    // in a send queue: bytes of payload
  std::byte* memory;  // see start()
  // For whoever keeps the buffer: the next one of a send queue (next belongs to the frame), the
  // receive queue that holds it, or the buffer whose memory this one describes.
  void* link;

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
  // Bytes of memory that the buffer ties up, descriptor included.
  uint32_t footprint() const;
  // One reference more; false when there are too many already.
  [[nodiscard]] bool share() {
    ASSERT(references != 0);
    if (references == kMostReferences) [[unlikely]]
      return false;
    ++references;
    return true;
  }
};
static_assert(sizeof(PacketBuffer) == 64);

inline uint32_t PacketBuffer::footprint() const {
  return static_cast<uint32_t>(sizeof(PacketBuffer) + kHeadroom + capacity);
}

// Gives up one reference to a buffer, wherever it comes from. Does not follow `next`.
inline void release(PacketBuffer* buffer) {
  ASSERT(buffer->references != 0);
  if (--buffer->references == 0) buffer->source->recycle(buffer);
}

// Gives up one reference to each buffer of a frame.
inline void release_chain(PacketBuffer* buffer) {
  while (buffer != nullptr) {
    PacketBuffer* const next = buffer->next;
    release(buffer);
    buffer = next;
  }
}

// A fixed number of packet buffers in one piece of memory. One owner (the thread of a queue pair)
// allocates and releases; there is no lock. Both are O(1), last in first out, so that the buffer
// handed out next is the one most likely to be in the cache.
class BufferPool : public BufferSource {
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
  BufferPool() : BufferSource(take_back) {}
  // Takes as many buffers as fit into `memory`, which must be aligned to 64 bytes, physically
  // contiguous from `physical` on, and outlive the pool. (Hosted tests pass any `physical`.)
  void init(std::span<std::byte> memory, uint64_t physical);

  // A reset buffer, or nullptr when none is left.
  PacketBuffer* allocate() {
    PacketBuffer* const buffer = allocate_unset();
    if (buffer != nullptr) [[likely]]
      buffer->reset();
    return buffer;
  }
  // The same for who sets all that reset() does.
  PacketBuffer* allocate_unset() {
    PacketBuffer* const buffer = free_;
    if (buffer == nullptr) [[unlikely]]
      return nullptr;
    free_ = buffer->next;
    ++used_;
    buffer->references = 1;
    return buffer;
  }

  // Gives up one reference, mostly the only one to a buffer of this pool; others find their way
  // home too. Does not follow `next`.
  void release(PacketBuffer* buffer) {
    if (buffer->source != this || buffer->references != 1) [[unlikely]] {
      release_any(buffer);
      return;
    }
    put(buffer);
  }

  // The same for a frame: the buffer and everything chained behind it.
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
  size_t available() const { return count_ - used_; }
  // All buffers, in use or not, for rare looks at who holds what.
  std::span<PacketBuffer> buffers() const { return {buffers_, count_}; }

 private:
  static void shuffle_areas(std::span<PacketBuffer> buffers);
  static void take_back(BufferSource& pool, PacketBuffer* buffer);
  static void release_any(PacketBuffer* buffer);

  void put(PacketBuffer* buffer) {
    buffer->references = 0;
    buffer->next = free_;
    free_ = buffer;
    --used_;
  }

  PacketBuffer* free_ = nullptr;
  size_t used_ = 0;
  size_t count_ = 0;
  PacketBuffer* buffers_ = nullptr;
};

}  // namespace plumbline::net
