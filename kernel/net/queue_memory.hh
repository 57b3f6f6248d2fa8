// What the socket queues of one domain (a queue pair and its connections) are made of: packet
// buffers of its pool, pieces of whole pages, and descriptors that refer to parts of either.
//
// Not synchronised: it belongs to whoever has the domain. Nothing here sleeps.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "net/packet_buffer.hh"
#include "net/tcp/memory_source.hh"

namespace plumbline::net {

// The ways of payload through memory. A request's sum over all ways is what a variant costs.
enum class CopyWay : uint8_t {
  kFromProgram,  // written by a program into a send queue
  kToDevice,     // from a send queue into device buffers
  kFromDevice,   // from device buffers into a receive queue
  kToProgram,    // from a receive queue to a program that reads
  kToMakeRoom,   // within receive queues, so that device buffers or wasted memory come free
};
inline constexpr size_t kCopyWays = 5;

struct CopyCount {
  uint64_t copies = 0;
  uint64_t bytes = 0;
};

struct QueueMemoryStatistics {
  std::array<CopyCount, kCopyWays> copied;
  uint64_t pages_refused = 0;    // the limit was reached, or there were none
  uint64_t buffers_refused = 0;  // a frame was not made for want of a packet buffer
  uint64_t buffers_rescued = 0;  // device buffers that held received data and were emptied
};

class QueueMemory {
 public:
  // The largest piece: 32 KiB. A frame of 64 KiB then has at most four, and one that carries a
  // message of 16 KiB has one.
  static constexpr unsigned kMostOrder = 3;
  // Packet buffers that only control segments may take: full queues never stop acknowledgements.
  static constexpr size_t kForControl = 16;

  // Where the device finds memory of the source, which is contiguous for it.
  using PhysicalAddressOf = uint64_t (*)(const void* memory);

  // `pool`: device buffers, shared with the receive ring. `pages`: where other memory comes from,
  // of which all queues together take at most `most_bytes`. No `physical` function: the device
  // takes pointers (hosted builds).
  QueueMemory(BufferPool& pool, const tcp::MemorySource& pages, size_t most_bytes,
              PhysicalAddressOf physical = nullptr);
  // All pieces and references must be back.
  ~QueueMemory();
  // What to call when memory is short: it gives back what the device has sent, which may lie in the
  // ring for long.
  void set_reclaim(void (*take_back)(void* context), void* context) {
    reclaim_ = take_back;
    reclaim_context_ = context;
  }
  QueueMemory(const QueueMemory&) = delete;
  QueueMemory& operator=(const QueueMemory&) = delete;

  // A packet buffer with `headers` bytes of frame to be written at `data`, for a segment without
  // payload (ACK, RST, SYN). nullptr: not one is left.
  PacketBuffer* allocate_control(uint32_t headers);
  // The same for a segment with payload.
  PacketBuffer* allocate_header(uint32_t headers);
  // A packet buffer to keep payload in; nullptr when those left are for the receive ring and for
  // headers. Then there are pieces.
  PacketBuffer* allocate_small() {
    return has_available(small_reserve_) ? pool_.allocate() : nullptr;
  }
  // Pages for at least `bytes` behind the piece's start(), or the largest piece if that is less.
  // nullptr: no memory.
  PacketBuffer* allocate_piece(uint32_t bytes);
  // A descriptor of `length` bytes at `data` in `of`, to be chained into a frame; it keeps a
  // reference to `of`; its `link` is in use. nullptr: no memory, or too many references.
  PacketBuffer* refer(PacketBuffer* of, std::byte* data, uint32_t length);

  // A piece of a send queue: `length` bytes at `data` in `of`, behind `room` bytes that are not its
  // own. It takes over a reference to `of`, and gives it back when nobody sends the bytes any more.
  // nullptr: no memory.
  PacketBuffer* describe(PacketBuffer* of, std::byte* data, uint32_t length, uint32_t room);

  // Whether a buffer is a piece of pages, and so nobody's frame.
  bool is_piece(const PacketBuffer* buffer) const { return buffer->source == &piece_source_; }
  bool is_reference(const PacketBuffer* buffer) const {
    return buffer->source == &reference_source_;
  }

  // Whether half of the pages are taken: the rest is not for what may be dropped.
  bool is_scarce() const { return bytes_in_use_ > most_bytes_ / 2; }
  // Whether received frames should rather be copied than kept: the receive ring needs them.
  bool short_of_buffers() { return !has_available(receive_reserve_); }
  BufferPool& pool() { return pool_; }

  // Where copies are counted from now on, for who reads them from outside: an element a CopyWay,
  // instead of statistics().
  void count_copies_in(std::span<CopyCount, kCopyWays> counts) { copied_ = counts.data(); }
  void count(CopyWay way, uint64_t bytes) {
    CopyCount& counted = copied_[static_cast<size_t>(way)];
    ++counted.copies;
    counted.bytes += bytes;
  }
  void count_rescued(uint64_t buffers) { statistics_.buffers_rescued += buffers; }
  const QueueMemoryStatistics& statistics() const { return statistics_; }

  // Bytes of pages that pieces and references have, kept ones not included.
  size_t bytes_in_use() const { return bytes_in_use_; }
  // Bytes of pages that are free and kept for the next piece.
  size_t bytes_kept() const { return bytes_kept_; }
  size_t most_bytes() const { return most_bytes_; }
  // Returns what is kept.
  void trim();

  // Where the search for device buffers to be emptied goes on (zerocopy).
  size_t rescue_position = 0;

 private:
  struct Source : BufferSource {
    Source(Recycle function, QueueMemory& owner) : BufferSource(function), memory(owner) {}
    QueueMemory& memory;
  };

  // More than `reserve` buffers are in the pool, or are when the device's have been taken back.
  bool has_available(size_t reserve) {
    if (pool_.available() > reserve) [[likely]]
      return true;
    reclaim();
    return pool_.available() > reserve;
  }
  void reclaim() {
    if (reclaim_ != nullptr) reclaim_(reclaim_context_);
  }
  static void take_back_piece(BufferSource& source, PacketBuffer* piece);
  static void take_back_reference(BufferSource& source, PacketBuffer* reference);
  static void take_back_description(BufferSource& source, PacketBuffer* piece);
  PacketBuffer* take_descriptor();
  void give_descriptor(PacketBuffer* descriptor);
  bool add_references();
  std::byte* take_pages(unsigned order);
  void give_pages(void* memory, unsigned order);

  BufferPool& pool_;
  void (*reclaim_)(void* context) = nullptr;
  void* reclaim_context_ = nullptr;
  tcp::MemorySource pages_;
  PhysicalAddressOf physical_;
  size_t most_bytes_;
  size_t most_kept_;
  size_t small_reserve_;
  size_t receive_reserve_;
  size_t bytes_in_use_ = 0;
  size_t bytes_kept_ = 0;
  Source piece_source_;
  Source reference_source_;
  Source description_source_;
  std::array<PacketBuffer*, kMostOrder + 1> kept_{};
  PacketBuffer* references_ = nullptr;  // free ones
  PacketBuffer* reference_pages_ = nullptr;
  size_t references_in_use_ = 0;
  QueueMemoryStatistics statistics_;
  CopyCount* copied_ = statistics_.copied.data();
};

}  // namespace plumbline::net
