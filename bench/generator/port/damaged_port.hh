// A port on whose way out packets are lost and damaged; they count as sent.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "port/damage.hh"
#include "port/port.hh"

namespace plumbline::generator {

class DamagedPort : public Port {
 public:
  DamagedPort(std::unique_ptr<Port> port, const DamageShares& shares);

  Burst receive() override;
  void release() override { port_->release(); }
  std::span<uint8_t* const> reserve(uint16_t wanted, uint16_t queue) override;
  void commit(std::span<const uint16_t> bytes, uint16_t queue) override;
  bool link_up() const override { return port_->link_up(); }
  uint64_t take_own_loss() override { return port_->take_own_loss(); }

 private:
  std::unique_ptr<Port> port_;
  Damage damage_;
  // Written here and copied when they survive. A queue has its own, since the loop fills the room
  // of several before it sends.
  struct Room {
    std::array<std::array<uint8_t, kMaximumFrame>, kMaximumBurst> frames;
    std::array<uint8_t*, kMaximumBurst> pointers;
  };
  std::vector<std::unique_ptr<Room>> rooms_;
};

}  // namespace plumbline::generator
