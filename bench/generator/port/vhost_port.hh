// The back end of a guest's virtio-net (QEMU -netdev vhost-user): requests are written straight
// into the guest's receive buffers, replies are read where the guest has put them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "port/port.hh"
#include "port/vhost_device.hh"
#include "vring/receive_ring.hh"
#include "vring/send_ring.hh"

namespace plumbline::generator {

class VhostPort : public Port {
 public:
  // Listens on the socket `path`. Throws std::runtime_error.
  VhostPort(const std::string& path, uint16_t queues, int core);
  ~VhostPort() override;

  Burst receive() override;
  void release() override;
  std::span<uint8_t* const> reserve(uint16_t wanted, uint16_t queue) override;
  void commit(std::span<const uint16_t> bytes, uint16_t queue) override;
  bool link_up() const override { return device_->connected(); }
  // A guest's rings lose nothing: what they have no room for is not sent.
  uint64_t take_own_loss() override { return 0; }

 private:
  struct QueuePair {
    std::optional<SendRing> send;        // the guest's receive queue
    std::optional<ReceiveRing> receive;  // its transmit queue
  };
  void adopt();
  void tell_guest();

  std::optional<VhostDevice> device_;
  uint32_t generation_ = 0;
  GuestMemory memory_;
  std::vector<QueuePair> pairs_;
  uint16_t turn_ = 0;
  uint16_t lent_by_ = 0;
  uint32_t bursts_untold_ = 0;
};

}  // namespace plumbline::generator
