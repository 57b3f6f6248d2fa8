// The guest's transmit queue, for frames of any length: each is copied into a buffer of ours and
// given back at once.
#pragma once

#include <array>
#include <span>

#include "port/frame_memory.hh"
#include "vring/net_header.hh"
#include "vring/split_vring.hh"

namespace plumbline::generator {

class FrameReceiveRing {
 public:
  static constexpr uint16_t kBurst = kRingBurst;

  FrameReceiveRing(const RingArea& area, const GuestMemory& memory) : ring_(area, memory) {}

  // At most kBurst frames into buffers of `memory`; how many. What the guest got wrong, and what
  // there is no buffer for, is given back and counted as `lost`.
  uint16_t take(FrameMemory& memory, std::span<net::PacketBuffer*, kBurst> to, uint64_t& lost);
  // True when the last take() found something.
  bool stirred() const { return stirred_; }
  void tell() { ring_.tell(); }
  RingPosition position() const { return ring_.position(); }

 private:
  net::PacketBuffer* copy(FrameMemory& memory, uint16_t head) const;

  SplitVring ring_;
  bool stirred_ = false;
};

}  // namespace plumbline::generator
