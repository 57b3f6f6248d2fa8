#include "port/damaged_port.hh"

namespace plumbline::generator {

DamagedPort::DamagedPort(std::unique_ptr<Port> port, const DamageShares& shares)
    : Port(port->queues()), port_(std::move(port)), damage_(shares) {
  for (uint16_t queue = 0; queue < queues(); ++queue) {
    auto& room = rooms_.emplace_back(std::make_unique<Room>());
    for (size_t i = 0; i < kMaximumBurst; ++i) room->pointers[i] = room->frames[i].data();
  }
}

Port::Burst DamagedPort::receive() {
  const Burst burst = port_->receive();
  received_ += burst.frames.size();
  return burst;
}

std::span<uint8_t* const> DamagedPort::reserve(uint16_t wanted, uint16_t queue) {
  return {rooms_[queue]->pointers.data(), port_->reserve(wanted, queue).size()};
}

void DamagedPort::commit(std::span<const uint16_t> bytes, uint16_t queue) {
  std::array<uint16_t, kMaximumBurst> kept;
  uint16_t count = 0;
  const std::span<uint8_t* const> room = port_->reserve(static_cast<uint16_t>(bytes.size()), queue);
  for (size_t i = 0; i < bytes.size(); ++i) {
    uint16_t length = bytes[i];
    switch (damage_.next()) {
      case Damage::Fate::kDropped:
        continue;
      case Damage::Fate::kCut:
        length = damage_.cut_length(length);
        break;
      case Damage::Fate::kIntact:
        break;
    }
    std::memcpy(room[count], rooms_[queue]->frames[i].data(), length);
    kept[count++] = length;
  }
  port_->commit({kept.data(), count}, queue);
  transmitted_ += count;
}

}  // namespace plumbline::generator
