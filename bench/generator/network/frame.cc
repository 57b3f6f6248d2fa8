#include "network/frame.hh"

#include <cstring>

#include "network/checksum.hh"

namespace plumbline::generator {

namespace {

constexpr size_t kEthernetBytes = 14;
constexpr size_t kLeastIpBytes = 20;
constexpr size_t kUdpBytes = 8;

uint16_t load_be16(const uint8_t* bytes) { return static_cast<uint16_t>(bytes[0] << 8 | bytes[1]); }

size_t ip_header_bytes(std::span<const uint8_t> frame) {
  return (frame[kEthernetBytes] & 0xfu) * 4;
}

}  // namespace

std::optional<UdpDatagram> parse_udp(std::span<const uint8_t> frame, const Endpoint& own,
                                     const Endpoint& peer) {
  if (frame.size() < kEthernetBytes + kLeastIpBytes + kUdpBytes) return std::nullopt;
  if (frame[12] != 0x08 || frame[13] != 0x00) return std::nullopt;
  const uint8_t* ip = frame.data() + kEthernetBytes;
  if (ip[0] >> 4 != 4 || ip[9] != 17) return std::nullopt;
  // Fragment offset or more fragments (RFC 791): no server of ours sends replies larger than a
  // frame.
  if ((load_be16(ip + 6) & 0x3fff) != 0) return std::nullopt;
  if (std::memcmp(ip + 12, peer.ip.data(), 4) != 0 || std::memcmp(ip + 16, own.ip.data(), 4) != 0)
    return std::nullopt;
  const size_t header = ip_header_bytes(frame);
  const size_t total = load_be16(ip + 2);
  if (header < kLeastIpBytes || total < header + kUdpBytes ||
      total > frame.size() - kEthernetBytes) {
    return std::nullopt;
  }
  const uint8_t* udp = ip + header;
  const size_t length = load_be16(udp + 4);
  if (length < kUdpBytes || length > total - header) return std::nullopt;
  return UdpDatagram{load_be16(udp), load_be16(udp + 2), {udp + kUdpBytes, length - kUdpBytes}};
}

UdpChecksum check_udp_checksum(std::span<const uint8_t> frame) {
  const uint8_t* ip = frame.data() + kEthernetBytes;
  const uint8_t* udp = ip + ip_header_bytes(frame);
  const uint16_t length = load_be16(udp + 4);
  const uint16_t field = load_be16(udp + 6);
  if (field == 0) return UdpChecksum::kAbsent;
  const uint64_t pseudo = udp_pseudo_header_sum(ip, length);
  if (ones_complement_sum({udp, length}, pseudo) == 0xffff) return UdpChecksum::kRight;
  return field == ones_complement_sum({}, pseudo) ? UdpChecksum::kPartial : UdpChecksum::kWrong;
}

const char* check_headers(std::span<const uint8_t> frame, const Endpoint& own,
                          const Endpoint& peer) {
  if (std::memcmp(frame.data(), own.mac.data(), 6) != 0) return "wrong destination MAC address";
  if (std::memcmp(frame.data() + 6, peer.mac.data(), 6) != 0) return "wrong source MAC address";
  if (ones_complement_sum(frame.subspan(kEthernetBytes, ip_header_bytes(frame))) != 0xffff) {
    return "wrong IP header checksum";
  }
  return check_udp_checksum(frame) == UdpChecksum::kWrong ? "wrong UDP checksum" : nullptr;
}

}  // namespace plumbline::generator
