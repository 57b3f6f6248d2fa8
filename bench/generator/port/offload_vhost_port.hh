// The back end of a guest's virtio-net for TCP: checksums and segmentation are offered to the guest
// and asked of it, and frames are copied between its memory and ours.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "port/offload_port.hh"
#include "port/vhost_device.hh"
#include "vring/frame_receive_ring.hh"
#include "vring/frame_send_ring.hh"

namespace plumbline::generator {

class OffloadVhostPort : public OffloadPort {
 public:
  // Listens on the socket `path`. Throws std::runtime_error.
  OffloadVhostPort(const std::string& path, uint16_t queues, int core);
  ~OffloadVhostPort() override;

  Received receive_frames(std::span<net::PacketBuffer*, kMaximumBurst> to) override;
  uint16_t send_frames(std::span<net::PacketBuffer* const> frames, uint16_t queue) override;
  bool completes_checksums() const override { return completes_checksums_; }
  bool segments() const override { return segments_; }
  bool link_up() const override { return device_->connected(); }

 private:
  struct QueuePair {
    std::optional<FrameSendRing> send;        // the guest's receive queue
    std::optional<FrameReceiveRing> receive;  // its transmit queue
  };
  void adopt();
  void tell_guest();

  std::optional<VhostDevice> device_;
  uint32_t generation_ = 0;
  GuestMemory memory_of_guest_;
  std::vector<QueuePair> pairs_;
  uint16_t turn_ = 0;
  uint32_t bursts_untold_ = 0;
  bool completes_checksums_ = false;
  bool segments_ = false;
};

}  // namespace plumbline::generator
