// A packet socket with virtio headers (PACKET_VNET_HDR) on an interface without an address: TCP to
// a Linux server behind a veth, which keeps its checksum offload and its segmentation.
#pragma once

#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <string>

#include "port/offload_port.hh"
#include "vring/net_header.hh"

namespace plumbline::generator {

class RawPacketPort : public OffloadPort {
 public:
  // The interface's name. Pins the calling thread to `core`. Throws std::runtime_error.
  RawPacketPort(const std::string& interface, int core);
  ~RawPacketPort() override;

  Received receive_frames(std::span<net::PacketBuffer*, kMaximumBurst> to) override;
  uint16_t send_frames(std::span<net::PacketBuffer* const> frames, uint16_t queue) override;
  bool completes_checksums() const override { return true; }
  bool segments() const override { return true; }
  bool link_up() const override;
  uint64_t take_own_loss() override;

 private:
  // The header of a packet socket: without the number of buffers.
  static constexpr size_t kHeaderBytes = 10;
  // Header, and a frame's pieces: those of a send queue and one of headers (send_queue.hh).
  static constexpr size_t kMostParts = 20;

  int socket_ = -1;
  std::string interface_;
  // What comes next is received into these.
  std::array<net::PacketBuffer*, kMaximumBurst> waiting_{};
  std::array<NetHeader, kMaximumBurst> receive_headers_;
  std::array<std::array<iovec, 2>, kMaximumBurst> receive_parts_;
  std::array<mmsghdr, kMaximumBurst> receive_messages_{};
  std::array<NetHeader, kMaximumBurst> send_headers_;
  std::array<std::array<iovec, kMostParts>, kMaximumBurst> send_parts_;
  std::array<mmsghdr, kMaximumBurst> send_messages_{};
};

}  // namespace plumbline::generator
