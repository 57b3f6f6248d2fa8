// The one port of the generator, on DPDK: the back end of a guest's virtio-net (net_vhost) or a
// packet socket on an interface (net_af_packet). No huge pages, no PCI, no telemetry, no files that
// stay behind.
#pragma once

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "network/damage.hh"

namespace plumbline::generator {

enum class DeviceKind { kVhost, kPacket };

struct DeviceDescription {
  DeviceKind kind = DeviceKind::kVhost;
  std::string path;     // socket or interface
  uint16_t queues = 1;  // of vhost: queue pairs offered to the guest
};

class Port {
 public:
  static constexpr uint16_t kMaximumBurst = 64;

  // Sets DPDK up on `core` (the calling thread is pinned to it) and opens the device. Throws
  // std::runtime_error.
  Port(const DeviceDescription& device, int core);
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  static std::string dpdk_version();
  static double tsc_hz();

  uint16_t queues() const { return device_.queues; }

  // One burst from one queue: the queues take turns.
  uint16_t receive(rte_mbuf** buffers, uint16_t count) {
    const uint16_t received = rte_eth_rx_burst(id_, receive_queue_, buffers, count);
    if (++receive_queue_ == device_.queues) receive_queue_ = 0;
    received_ += received;
    return received;
  }
  // Returns how many were taken; the rest still belongs to the caller.
  uint16_t transmit(rte_mbuf** buffers, uint16_t count, uint16_t queue = 0) {
    if (damage_) [[unlikely]]
      return transmit_damaged(buffers, count, queue);
    const uint16_t sent = rte_eth_tx_burst(id_, queue, buffers, count);
    transmitted_ += sent;
    return sent;
  }
  // All or none.
  bool allocate(rte_mbuf** buffers, uint16_t count) {
    return rte_pktmbuf_alloc_bulk(transmit_pool_, buffers, count) == 0;
  }
  // Sends one frame that the caller has at hand; false when there is no room now.
  bool send_copy(std::span<const uint8_t> frame);

  // From now on packets are lost and damaged on their way out; they count as sent.
  void set_damage(const DamageShares& shares) { damage_.emplace(shares); }

  bool link_up() const;
  // Packets that the generator itself lost since the last call: receive ring of the packet socket,
  // no buffers.
  uint64_t take_own_loss();
  uint64_t received() const { return received_; }
  uint64_t transmitted() const { return transmitted_; }

 private:
  bool set_up_queues();
  void find_packet_socket();
  uint16_t transmit_damaged(rte_mbuf** buffers, uint16_t count, uint16_t queue);

  DeviceDescription device_;
  std::optional<Damage> damage_;
  uint16_t id_ = 0;
  uint16_t receive_queue_ = 0;
  int packet_socket_ = -1;
  uint64_t missed_ = 0;
  uint64_t received_ = 0;
  uint64_t transmitted_ = 0;
  rte_mempool* receive_pool_ = nullptr;
  rte_mempool* transmit_pool_ = nullptr;
};

}  // namespace plumbline::generator
