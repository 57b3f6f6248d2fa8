#include "port/offload_vhost_port.hh"

#include "port/dpdk.hh"

namespace plumbline::generator {

namespace {

// What waits for an interrupt on one queue waits at most so many bursts for others that are busy.
constexpr uint32_t kBurstsUntold = 32;
static_assert(Port::kMaximumBurst == kRingBurst);

}  // namespace

OffloadVhostPort::OffloadVhostPort(const std::string& path, uint16_t queues, int core)
    : OffloadPort(queues), pairs_(queues) {
  start_dpdk(core, {});
  device_.emplace(path, queues, true);
}

OffloadVhostPort::~OffloadVhostPort() {
  device_.reset();
  stop_dpdk();
}

void OffloadVhostPort::adopt() {
  // The rings that follow know nothing of what the guest was not told yet.
  tell_guest();
  std::vector<std::optional<RingPosition>> positions;
  for (const QueuePair& pair : pairs_) {
    positions.push_back(pair.send ? std::optional(pair.send->position()) : std::nullopt);
    positions.push_back(pair.receive ? std::optional(pair.receive->position()) : std::nullopt);
  }
  for (QueuePair& pair : pairs_) pair = {};
  generation_ = device_->generation();
  VhostDevice::State state = device_->adopt(positions);
  memory_of_guest_ = std::move(state.memory);
  for (size_t queue = 0; queue < pairs_.size(); ++queue) {
    if (const auto& area = state.rings[2 * queue]) {
      pairs_[queue].send.emplace(*area, memory_of_guest_);
      completes_checksums_ = area->takes_partial_checksums;
      segments_ = area->takes_segments;
    }
    if (const auto& area = state.rings[2 * queue + 1])
      pairs_[queue].receive.emplace(*area, memory_of_guest_);
  }
}

void OffloadVhostPort::tell_guest() {
  bursts_untold_ = 0;
  for (QueuePair& pair : pairs_) {
    if (pair.send) pair.send->tell();
    if (pair.receive) pair.receive->tell();
  }
}

OffloadPort::Received OffloadVhostPort::receive_frames(
    std::span<net::PacketBuffer*, kMaximumBurst> to) {
  // Here nothing of the guest's is held: the one place where it may be taken away.
  if (device_->generation() != generation_) [[unlikely]]
    adopt();
  std::optional<FrameReceiveRing>& ring = pairs_[turn_].receive;
  if (++turn_ == pairs_.size()) turn_ = 0;
  if (!ring) {
    tell_guest();
    return {};
  }
  const uint16_t count = ring->take(memory(), to, own_loss_);
  received_ += count;
  // A guest that sleeps answers nothing, so that soon nothing stirs here.
  if (!ring->stirred() || ++bursts_untold_ >= kBurstsUntold) tell_guest();
  return {count, ring->stirred()};
}

uint16_t OffloadVhostPort::send_frames(std::span<net::PacketBuffer* const> frames, uint16_t queue) {
  std::optional<FrameSendRing>& ring = pairs_[queue].send;
  if (!ring) return 0;
  uint16_t sent = 0;
  while (sent < frames.size() && ring->write(*frames[sent])) ++sent;
  ring->publish();
  transmitted_ += sent;
  return sent;
}

}  // namespace plumbline::generator
