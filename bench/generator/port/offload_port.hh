// A port whose other end does checksums and segmentation: what TCP is spoken over. Frames are
// copied between the peer's memory and ours; they may be as long as an IP packet can be.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "port/frame_memory.hh"
#include "port/port.hh"

namespace plumbline::generator {

class OffloadPort : public Port {
 public:
  explicit OffloadPort(uint16_t queues) : Port(queues) {}

  struct Received {
    uint16_t count = 0;
    bool busy = false;  // there was work, with or without a frame to show for it
  };
  // At most kMaximumBurst frames, which are the caller's; `checksum` is set, and `segment_size` of
  // joined ones.
  virtual Received receive_frames(std::span<net::PacketBuffer*, kMaximumBurst> to) = 0;
  // Sends frames of TCP over IPv4 without options (or others, with `checksum` kUnknown) to a queue,
  // the first ones as far as there is room now; how many. They stay the caller's.
  virtual uint16_t send_frames(std::span<net::PacketBuffer* const> frames, uint16_t queue) = 0;
  // Whether the other end takes kPartial (else checksums must be complete), and frames of several
  // segments.
  virtual bool completes_checksums() const = 0;
  virtual bool segments() const = 0;

  FrameMemory& memory() { return memory_; }

  // What Port has, by the means above: for ARP between commands and for UDP, whose figures another
  // kind of port gives.
  Burst receive() override;
  void release() override;
  std::span<uint8_t* const> reserve(uint16_t wanted, uint16_t queue) override;
  void commit(std::span<const uint16_t> bytes, uint16_t queue) override;
  uint64_t take_own_loss() override;

 protected:
  uint64_t own_loss_ = 0;

 private:
  struct Room {
    std::array<std::array<uint8_t, kMaximumFrame>, kMaximumBurst> frames;
    std::array<uint8_t*, kMaximumBurst> pointers;
  };

  FrameMemory memory_;
  std::array<net::PacketBuffer*, kMaximumBurst> lent_;
  uint16_t lent_count_ = 0;
  std::array<std::span<const uint8_t>, kMaximumBurst> spans_;
  std::unique_ptr<Room> room_;
};

// As open_port(), for TCP.
std::unique_ptr<OffloadPort> open_offload_port(const DeviceDescription& device, int core);

}  // namespace plumbline::generator
