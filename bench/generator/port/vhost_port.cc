#include "port/vhost_port.hh"

#include "port/dpdk.hh"

namespace plumbline::generator {

namespace {

// What waits for an interrupt on one queue waits at most so many bursts for others that are busy.
constexpr uint32_t kBurstsUntold = 32;

// What a port promises is what a ring can do.
static_assert(Port::kMaximumBurst == kRingBurst && Port::kMaximumFrame == SendRing::kFrameBytes);

}  // namespace

VhostPort::VhostPort(const std::string& path, uint16_t queues, int core)
    : Port(queues), pairs_(queues) {
  start_dpdk(core, {});
  device_.emplace(path, queues, false);
}

VhostPort::~VhostPort() {
  device_.reset();
  stop_dpdk();
}

void VhostPort::adopt() {
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
  memory_ = std::move(state.memory);
  for (size_t queue = 0; queue < pairs_.size(); ++queue) {
    if (const auto& area = state.rings[2 * queue]) pairs_[queue].send.emplace(*area, memory_);
    if (const auto& area = state.rings[2 * queue + 1])
      pairs_[queue].receive.emplace(*area, memory_);
  }
}

void VhostPort::tell_guest() {
  bursts_untold_ = 0;
  for (QueuePair& pair : pairs_) {
    if (pair.send) pair.send->tell();
    if (pair.receive) pair.receive->tell();
  }
}

Port::Burst VhostPort::receive() {
  // Here nothing of the guest's is held: the one place where it may be taken away.
  if (device_->generation() != generation_) [[unlikely]]
    adopt();
  lent_by_ = turn_;
  if (++turn_ == pairs_.size()) turn_ = 0;
  std::optional<ReceiveRing>& ring = pairs_[lent_by_].receive;
  if (!ring) {
    tell_guest();
    return {};
  }
  const std::span<const std::span<const uint8_t>> frames = ring->take();
  received_ += frames.size();
  // A guest that sleeps answers nothing, so that soon nothing stirs here.
  if (!ring->stirred() || ++bursts_untold_ >= kBurstsUntold) tell_guest();
  return {frames, ring->stirred()};
}

void VhostPort::release() {
  if (std::optional<ReceiveRing>& ring = pairs_[lent_by_].receive) ring->release();
}

std::span<uint8_t* const> VhostPort::reserve(uint16_t wanted, uint16_t queue) {
  std::optional<SendRing>& ring = pairs_[queue].send;
  return ring ? ring->reserve(wanted) : std::span<uint8_t* const>{};
}

void VhostPort::commit(std::span<const uint16_t> bytes, uint16_t queue) {
  if (bytes.empty()) return;
  pairs_[queue].send->commit(bytes);
  transmitted_ += bytes.size();
}

}  // namespace plumbline::generator
