// A packet socket on an interface (DPDK's net_af_packet): the way to a Linux server behind a veth.
#pragma once

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <array>
#include <string>
#include <vector>

#include "port/port.hh"

namespace plumbline::generator {

class PacketPort : public Port {
 public:
  // The interface's name. Throws std::runtime_error.
  PacketPort(const std::string& interface, int core);
  ~PacketPort() override;

  Burst receive() override;
  void release() override;
  std::span<uint8_t* const> reserve(uint16_t wanted, uint16_t queue) override;
  void commit(std::span<const uint16_t> bytes, uint16_t queue) override;
  bool link_up() const override;
  uint64_t take_own_loss() override;

 private:
  void find_packet_socket();
  std::span<const uint8_t> bytes_of(rte_mbuf* buffer, size_t place);

  uint16_t id_ = 0;
  int packet_socket_ = -1;
  uint64_t missed_ = 0;
  uint64_t own_loss_ = 0;
  rte_mempool* receive_pool_ = nullptr;
  rte_mempool* transmit_pool_ = nullptr;
  uint16_t lent_ = 0;
  uint16_t prepared_ = 0;
  // Not initialised: they are written before they are read.
  std::array<rte_mbuf*, kMaximumBurst> received_buffers_;
  std::array<std::span<const uint8_t>, kMaximumBurst> frames_;
  std::array<rte_mbuf*, kMaximumBurst> prepared_buffers_;
  std::array<uint8_t*, kMaximumBurst> room_;
  std::vector<std::array<uint8_t, 65536>> linear_;  // of frames in several buffers
};

}  // namespace plumbline::generator
