// The guest's transmit queue: frames are read where the guest has written them.
//
// A burst passes three stages, one each call: its descriptors are asked of the cache, then its
// bytes, then it is handed out. Between the stages the caller does other work, so that cache lines
// travel from the guest's core meanwhile; read at once, three transfers (index, descriptor, bytes;
// 100 ns each between cores that share only the last level) would be waited for one after another.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "vring/split_vring.hh"

namespace plumbline::generator {

class ReceiveRing {
 public:
  static constexpr uint16_t kBurst = kRingBurst;
  // Longer ones are no frames: a guest must not make us read all its memory for one.
  static constexpr size_t kGatheredBytes = 2048;

  ReceiveRing(const RingArea& area, const GuestMemory& memory)
      : ring_(area, memory),
        taken_(area.position.available),
        resolved_(taken_),
        seen_(taken_),
        released_(taken_) {}

  // Moves every stage on by one. At most kBurst frames, good until release(); what the guest got
  // wrong is handed out as a frame of no bytes.
  std::span<const std::span<const uint8_t>> take();
  // True when the last take() found something to do at any stage.
  bool stirred() const { return stirred_; }
  // Gives the frames of take() back to the guest.
  void release();
  // See SplitVring.
  void tell() { ring_.tell(); }

  RingPosition position() const { return ring_.position(); }

 private:
  // Twice a burst: those handed out and those that come next. A power of two.
  static constexpr uint16_t kSlots = 2 * kBurst;
  struct Slot {
    const uint8_t* data = nullptr;
    uint32_t bytes = 0;
    uint16_t head = 0;
  };
  void resolve(uint16_t number);
  std::span<const uint8_t> gather(uint16_t number, uint16_t head);

  SplitVring ring_;
  // Numbers of entries, running on as the guest's do: released_ <= taken_ <= resolved_ <= seen_.
  uint16_t taken_;
  uint16_t resolved_;
  uint16_t seen_;
  uint16_t released_;
  bool stirred_ = false;
  std::array<Slot, kSlots> slots_;
  std::array<std::span<const uint8_t>, kBurst> frames_;
  std::unique_ptr<std::array<uint8_t, kGatheredBytes>[]> gathered_;  // by slot, when needed
};

}  // namespace plumbline::generator
