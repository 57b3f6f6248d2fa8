#include "network/frame.hh"

#include <cstring>

#include "network/checksum.hh"

namespace plumbline::generator {

UdpChecksum check_udp_checksum(std::span<const uint8_t> frame) {
  const uint8_t* ip = frame.data() + frame_detail::kEthernetBytes;
  const uint8_t* udp = ip + frame_detail::ip_header_bytes(frame);
  const uint16_t length = frame_detail::load_be16(udp + 4);
  const uint16_t field = frame_detail::load_be16(udp + 6);
  if (field == 0) return UdpChecksum::kAbsent;
  const uint64_t pseudo = udp_pseudo_header_sum(ip, length);
  if (ones_complement_sum({udp, length}, pseudo) == 0xffff) return UdpChecksum::kRight;
  return field == ones_complement_sum({}, pseudo) ? UdpChecksum::kPartial : UdpChecksum::kWrong;
}

const char* check_headers(std::span<const uint8_t> frame, const Endpoint& own,
                          const Endpoint& peer) {
  if (std::memcmp(frame.data(), own.mac.data(), 6) != 0) return "wrong destination MAC address";
  if (std::memcmp(frame.data() + 6, peer.mac.data(), 6) != 0) return "wrong source MAC address";
  if (ones_complement_sum(frame.subspan(frame_detail::kEthernetBytes,
                                        frame_detail::ip_header_bytes(frame))) != 0xffff) {
    return "wrong IP header checksum";
  }
  return check_udp_checksum(frame) == UdpChecksum::kWrong ? "wrong UDP checksum" : nullptr;
}

}  // namespace plumbline::generator
