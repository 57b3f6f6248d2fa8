#include "port/offload_port.hh"

#include <algorithm>

namespace plumbline::generator {

Port::Burst OffloadPort::receive() {
  const Received received = receive_frames(lent_);
  lent_count_ = received.count;
  for (uint16_t i = 0; i < lent_count_; ++i) {
    spans_[i] = {reinterpret_cast<const uint8_t*>(lent_[i]->data), lent_[i]->length};
  }
  return {{spans_.data(), lent_count_}, received.busy};
}

void OffloadPort::release() {
  for (uint16_t i = 0; i < lent_count_; ++i) net::release_chain(lent_[i]);
  lent_count_ = 0;
}

std::span<uint8_t* const> OffloadPort::reserve(uint16_t wanted, uint16_t) {
  if (!room_) {
    room_ = std::make_unique<Room>();
    for (size_t i = 0; i < kMaximumBurst; ++i) room_->pointers[i] = room_->frames[i].data();
  }
  return {room_->pointers.data(), wanted};
}

void OffloadPort::commit(std::span<const uint16_t> bytes, uint16_t queue) {
  std::array<net::PacketBuffer*, kMaximumBurst> frames;
  uint16_t count = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    net::PacketBuffer* const frame = memory_.allocate(bytes[i]);
    if (frame == nullptr) break;
    std::memcpy(frame->data, room_->frames[i].data(), bytes[i]);
    frames[count++] = frame;
  }
  // What finds no room is lost, as on a wire: datagrams are accounted for by their answers.
  const uint16_t sent = send_frames({frames.data(), count}, queue);
  own_loss_ += bytes.size() - sent;
  for (uint16_t i = 0; i < count; ++i) net::release(frames[i]);
}

uint64_t OffloadPort::take_own_loss() {
  const uint64_t lost = own_loss_;
  own_loss_ = 0;
  return lost;
}

}  // namespace plumbline::generator
