// The guest's receive queue: frames are written where the guest will read them.
//
// Nothing is read or written that was not asked of the cache long before, because it was last in
// that of the guest's core: descriptors are fetched two bursts ahead; buffers are looked up a burst
// ahead, and their first lines fetched for writing then. The guest's index is read when the entries
// known from it are used up.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "vring/split_vring.hh"

namespace plumbline::generator {

class SendRing {
 public:
  static constexpr uint16_t kBurst = kRingBurst;
  // A guest without offloads has room for a full frame in every buffer (virtio 1.2, 5.1.6.3.1);
  // smaller ones are given back unused.
  static constexpr size_t kFrameBytes = 1514;

  SendRing(const RingArea& area, const GuestMemory& memory)
      : ring_(area, memory), looked_up_(area.position.available), known_(looked_up_) {
    look_ahead();
  }

  // Room for up to `wanted` frames of kFrameBytes each, fewer when the guest has no more. Asking
  // takes nothing.
  std::span<uint8_t* const> reserve(uint16_t wanted) {
    if (static_cast<uint16_t>(end_ - begin_) < wanted) look_ahead();
    const auto room = static_cast<uint16_t>(end_ - begin_);
    return {buffers_.data() + begin_, room < wanted ? room : wanted};
  }
  // Sends the first frames of the room, `bytes` of each.
  void commit(std::span<const uint16_t> bytes);
  // See SplitVring.
  bool told() const { return ring_.told(); }
  void tell() { ring_.tell(); }

  RingPosition position() const { return ring_.position(); }

 private:
  // Where the array ends, what is left is moved to its beginning: seldom, since it is four bursts
  // long.
  static constexpr uint16_t kSlots = 4 * kBurst;

  uint16_t fetched_until() const { return static_cast<uint16_t>(looked_up_ + kBurst); }
  void look_ahead();
  bool look_up(uint16_t head);
  void write_header(uint8_t* header) const;
  void scatter(uint16_t slot, uint16_t bytes);

  SplitVring ring_;
  // Numbers of entries, running on as the guest's do.
  uint16_t looked_up_;  // the first not looked at
  uint16_t known_;      // the first that was not available at the last look
  uint16_t begin_ = 0;
  uint16_t end_ = 0;
  std::array<uint8_t*, kSlots> buffers_;  // behind the header
  std::array<uint16_t, kSlots> heads_;
  std::array<bool, kSlots> scattered_;  // the buffer is ours and goes into a chain of the guest's
  std::unique_ptr<std::array<uint8_t, kFrameBytes + kLongHeader>[]> own_;  // when needed
};

}  // namespace plumbline::generator
