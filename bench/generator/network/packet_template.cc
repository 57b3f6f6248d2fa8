#include "network/packet_template.hh"

#include <algorithm>

#include "network/checksum.hh"

namespace plumbline::generator {

PacketTemplate::PacketTemplate(const Endpoint& own, const Endpoint& peer, uint16_t source_port,
                               uint16_t destination_port) {
  uint8_t* out = bytes_.data();
  std::memcpy(out, peer.mac.data(), 6);
  std::memcpy(out + 6, own.mac.data(), 6);
  out[12] = 0x08;
  uint8_t* ip = out + kIpOffset;
  ip[0] = 0x45;
  ip[6] = 0x40;  // don't fragment; write_fragment takes it away
  ip[8] = 64;
  ip[9] = 17;
  std::memcpy(ip + 12, own.ip.data(), 4);
  std::memcpy(ip + 16, peer.ip.data(), 4);
  ip_sum_ = ones_complement_sum({ip, 20});
  store_be16(out + kUdpOffset, source_port);
  store_be16(out + kUdpOffset + 2, destination_port);
  // The UDP checksum stays 0, "none" (RFC 768): on this wire, memory, it would protect nothing and
  // every receiver, ours and Linux, is spared the same work.
}

size_t PacketTemplate::write_fragment(uint8_t* frame, std::span<const uint8_t> payload,
                                      size_t index, uint16_t identification) const {
  const size_t datagram = payload.size() + 8;
  const size_t offset = index * kFragmentBytes;
  const size_t bytes = std::min(kFragmentBytes, datagram - offset);
  const bool more = offset + bytes < datagram;
  std::memcpy(frame, bytes_.data(), kPayloadOffset);
  uint8_t* ip = frame + kIpOffset;
  store_be16(ip + 2, static_cast<uint16_t>(20 + bytes));
  store_be16(ip + 4, identification);
  store_be16(ip + 6, static_cast<uint16_t>((more ? 0x2000 : 0) | offset / 8));
  store_be16(ip + 10, 0);
  store_be16(ip + 10, static_cast<uint16_t>(~ones_complement_sum({ip, 20})));
  uint8_t* out = frame + kUdpOffset;
  if (index == 0) {
    store_be16(out + 4, static_cast<uint16_t>(datagram));
    // In fragments the checksum is not left out: it alone tells fragments of two datagrams with one
    // identification from those of one.
    const uint64_t sum = udp_pseudo_header_sum(ip, static_cast<uint16_t>(datagram)) +
                         ones_complement_sum({out, 6}) + ones_complement_sum(payload);
    const auto checksum = static_cast<uint16_t>(~ones_complement_sum({}, sum));
    store_be16(out + 6, checksum == 0 ? 0xffff : checksum);  // 0 says "none" (RFC 768)
    std::memcpy(out + 8, payload.data(), bytes - 8);
  } else {
    std::memcpy(out, payload.data() + offset - 8, bytes);
  }
  return kUdpOffset + bytes;
}

}  // namespace plumbline::generator
