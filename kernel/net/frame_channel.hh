// A net channel: received frames on their way from the queue that the device put them on to the
// stack that has their connection, which runs on another CPU.
//
// Two rings with one producer and one consumer each (Lamport, "Proving the Correctness of
// Multiprocess Programs", IEEE TSE 1977): frames there, and their buffers, which belong to the
// sending queue's pool, back. Neither side takes a lock of the other. What may be called with which
// queue held is said at each function. Guest and hosted: portable.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/units.hh"
#include "net/packet_buffer.hh"

namespace plumbline::net {

struct FrameChannelStatistics {
  uint64_t sent = 0;     // frames
  uint64_t dropped = 0;  // the channel was full: the reader is far behind
};

class FrameChannel {
 public:
  // Buffers that are out at most. A power of two.
  static constexpr uint32_t kEntries = 256;

  // `pool`: of the sending queue.
  explicit FrameChannel(BufferPool& pool) : back_(pool) {}
  // Nothing may be out.
  ~FrameChannel();
  FrameChannel(const FrameChannel&) = delete;
  FrameChannel& operator=(const FrameChannel&) = delete;

  // ---- With the sending queue held --------------------------------------------------------------

  // Takes a frame of the pool's buffers over; it is dropped when there are too many.
  void send(PacketBuffer* frame);
  // Gives buffers that came back to the pool.
  void take_back() {
    if (back_.returned.load(std::memory_order_relaxed) != collected_) collect();
  }
  const FrameChannelStatistics& statistics() const { return statistics_; }

  // ---- With the receiving queue held ------------------------------------------------------------

  // Takes frames, as many as there are and fit; the caller owns them. While more than half of the
  // entries wait with the receiver, unread perhaps, they come in buffers of `own`, its pool, or not
  // at all: no reader stops the channel.
  size_t receive(std::span<PacketBuffer*> frames, BufferPool& own);
  // Frames that came so.
  uint64_t copied() const { return copied_; }

  // ---- From anywhere ----------------------------------------------------------------------------

  bool empty() const {
    return sent_.load(std::memory_order_acquire) == received_.load(std::memory_order_relaxed);
  }

 private:
  // Where the buffers return to while they are out.
  struct Back : BufferSource {
    explicit Back(BufferPool& owner) : BufferSource(give_back), pool(owner) {}
    static void give_back(BufferSource& source, PacketBuffer* buffer);

    BufferPool& pool;
    alignas(kCacheLine) std::atomic<uint32_t> returned{0};
    std::array<PacketBuffer*, kEntries> buffers{};
  };

  void collect();
  static PacketBuffer* copy(const PacketBuffer* frame, BufferPool& to);

  // The sender's.
  alignas(kCacheLine) std::atomic<uint32_t> sent_{0};
  uint32_t collected_ = 0;
  uint32_t out_ = 0;  // buffers
  FrameChannelStatistics statistics_;
  std::array<PacketBuffer*, kEntries> frames_{};
  // The receiver's.
  alignas(kCacheLine) std::atomic<uint32_t> received_{0};
  uint32_t taken_ = 0;  // buffers
  uint64_t copied_ = 0;
  Back back_;
};

}  // namespace plumbline::net
