// Takes apart Ethernet frames with UDP datagrams from the server. The bytes are untrusted: every
// length is checked against the bytes that are there.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "network/address.hh"

namespace plumbline::generator {

namespace frame_detail {

inline constexpr size_t kEthernetBytes = 14;
inline constexpr size_t kLeastIpBytes = 20;
inline constexpr size_t kUdpBytes = 8;

// The frame may lie where a guest can still write: what is checked and then used is read once,
// which only an atomic load promises.
inline uint8_t load_byte(const uint8_t* byte) { return __atomic_load_n(byte, __ATOMIC_RELAXED); }
inline uint16_t load_be16(const uint8_t* bytes) {
  return static_cast<uint16_t>(load_byte(bytes) << 8 | load_byte(bytes + 1));
}
inline size_t ip_header_bytes(std::span<const uint8_t> frame) {
  return (load_byte(frame.data() + kEthernetBytes) & 0xfu) * 4;
}

}  // namespace frame_detail

struct UdpDatagram {
  uint16_t source_port;
  uint16_t destination_port;
  std::span<const uint8_t> payload;
};

// The datagram in the frame, when it is an unfragmented IPv4 UDP datagram from `peer` to `own` by
// its IP addresses.
inline std::optional<UdpDatagram> parse_udp(std::span<const uint8_t> frame, const Endpoint& own,
                                            const Endpoint& peer) {
  if (frame.size() <
      frame_detail::kEthernetBytes + frame_detail::kLeastIpBytes + frame_detail::kUdpBytes)
    return std::nullopt;
  if (frame[12] != 0x08 || frame[13] != 0x00) return std::nullopt;
  const uint8_t* ip = frame.data() + frame_detail::kEthernetBytes;
  if (ip[0] >> 4 != 4 || ip[9] != 17) return std::nullopt;
  // Fragment offset or more fragments (RFC 791): no server of ours sends replies larger than a
  // frame.
  if ((frame_detail::load_be16(ip + 6) & 0x3fff) != 0) return std::nullopt;
  if (std::memcmp(ip + 12, peer.ip.data(), 4) != 0 || std::memcmp(ip + 16, own.ip.data(), 4) != 0)
    return std::nullopt;
  const size_t header = frame_detail::ip_header_bytes(frame);
  const size_t total = frame_detail::load_be16(ip + 2);
  if (header < frame_detail::kLeastIpBytes || total < header + frame_detail::kUdpBytes ||
      total > frame.size() - frame_detail::kEthernetBytes) {
    return std::nullopt;
  }
  const uint8_t* udp = ip + header;
  const size_t length = frame_detail::load_be16(udp + 4);
  if (length < frame_detail::kUdpBytes || length > total - header) return std::nullopt;
  return UdpDatagram{frame_detail::load_be16(udp),
                     frame_detail::load_be16(udp + 2),
                     {udp + frame_detail::kUdpBytes, length - frame_detail::kUdpBytes}};
}

enum class UdpChecksum { kAbsent, kRight, kPartial, kWrong };

// Of a frame that parse_udp accepted and nobody writes to any more. kPartial: the field holds the
// sum of the pseudo header, which a sender with checksum offload leaves for the next device to
// complete (virtio spec 1.2, 5.1.6.2); on a wire that is memory nobody has to.
UdpChecksum check_udp_checksum(std::span<const uint8_t> frame);

// Null when addresses and checksums of a frame that parse_udp accepted, and nobody writes to any
// more, are right; otherwise what is wrong.
const char* check_headers(std::span<const uint8_t> frame, const Endpoint& own,
                          const Endpoint& peer);

}  // namespace plumbline::generator
