// The guest's receive queue, for frames of any length: each goes into as many of its buffers as it
// needs (virtio 1.2, 5.1.6.4).
#pragma once

#include <array>
#include <cstdint>

#include "vring/net_header.hh"
#include "vring/split_vring.hh"

namespace plumbline::generator {

class FrameSendRing {
 public:
  FrameSendRing(const RingArea& area, const GuestMemory& memory)
      : ring_(area, memory),
        position_(area.position.available),
        known_(position_),
        fetched_(position_),
        most_buffers_(area.mergeable ? kMostBuffers : uint16_t{1}) {}

  // Writes a frame (a list of buffers); false, and nothing has changed, while the guest has no room
  // for all of it. publish() shows the guest what was written.
  bool write(const net::PacketBuffer& frame);
  void publish() { ring_.publish(); }
  bool told() const { return ring_.told(); }
  void tell() { ring_.tell(); }
  RingPosition position() const { return ring_.position(); }

 private:
  // Of a frame: the longest one in buffers of 1,100 bytes, less than any guest offers.
  static constexpr uint16_t kMostBuffers = 64;
  static constexpr uint16_t kMostSegments = 256;

  bool collect(uint32_t bytes);
  void fetch_ahead();

  SplitVring ring_;
  // Numbers of entries, running on as the guest's do.
  uint16_t position_;  // the first not used
  uint16_t known_;     // the first that was not available at the last look
  uint16_t fetched_;   // the first whose buffer was not asked of the cache
  uint16_t most_buffers_;
  // Of the frame that is being written; nothing that was read from the guest is kept for longer.
  struct Entry {
    uint16_t head = 0;
    uint32_t bytes = 0;
  };
  uint16_t entry_count_ = 0;
  uint16_t segment_count_ = 0;
  std::array<Entry, kMostBuffers> entries_;
  std::array<Segment, kMostSegments> segments_;
};

}  // namespace plumbline::generator
