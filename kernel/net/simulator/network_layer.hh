// What lies below TCP in a simulated host: IP headers, checksums, and the segmentation that a
// device does. As the real ones do it, but whole frames in, whole frames out.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "net/packet_buffer.hh"
#include "net/simulator/link.hh"
#include "net/tcp/domain.hh"

namespace plumbline::net::simulator {

class NetworkLayer {
 public:
  // Ethernet and IPv6: what may be in front of a TCP header.
  static constexpr uint16_t kHeaderRoom = 14 + 40;

  // The frames for a segment of TCP, one or, with TSO, several. Does not take `frame` over.
  void emit(const PacketBuffer& frame, const tcp::FlowKey& key, const tcp::SegmentToSend& segment,
            std::vector<Frame>& out);

  // Where TCP's segment lies in a frame that was received.
  struct Received {
    tcp::FlowKey key;  // addresses only
    uint32_t offset = 0;
    uint32_t length = 0;
    bool congestion_experienced = false;
  };
  // Nothing when the frame is not TCP over IP with a sound header.
  static std::optional<Received> parse(std::span<const std::byte> frame);

 private:
  uint16_t identification_ = 0;
};

}  // namespace plumbline::net::simulator
