// Ethernet, IPv4 and UDP headers prepared for one source port: a packet is a copy of 64 bytes in
// which the lengths, the IP checksum and the request's own bytes are written.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "network/address.hh"

namespace plumbline::generator {

inline constexpr size_t kIpOffset = 14;
inline constexpr size_t kUdpOffset = 34;
inline constexpr size_t kPayloadOffset = 42;
inline constexpr size_t kMtu = 1500;
inline constexpr size_t kMaximumPayload = kMtu - 28;

class PacketTemplate {
 public:
  PacketTemplate(const Endpoint& own, const Endpoint& peer, uint16_t source_port,
                 uint16_t destination_port);

  // Writes the headers for `payload_bytes` (at most kMaximumPayload) into `frame`, which has room
  // for 64 bytes at least.
  void write(uint8_t* frame, size_t payload_bytes) const {
    // Whole cache lines: a copy of constant size is one or two vector moves. What lies behind the
    // headers is overwritten.
    std::memcpy(frame, bytes_.data(), bytes_.size());
    store_be16(frame + kIpOffset + 2, static_cast<uint16_t>(28 + payload_bytes));
    store_be16(frame + kIpOffset + 10, ip_checksum(28 + payload_bytes));
    store_be16(frame + kUdpOffset + 4, static_cast<uint16_t>(8 + payload_bytes));
  }

  // Writes the frame number `index` of a datagram too large for one; returns its bytes. `payload`
  // begins with the UDP payload's first byte; `identification` tells datagrams apart (RFC 791).
  size_t write_fragment(uint8_t* frame, std::span<const uint8_t> payload, size_t index,
                        uint16_t identification) const;
  static size_t fragment_count(size_t payload_bytes) {
    return payload_bytes <= kMaximumPayload
               ? 1
               : (payload_bytes + 8 + kFragmentBytes - 1) / kFragmentBytes;
  }

 private:
  static constexpr size_t kFragmentBytes = (kMtu - 20) / 8 * 8;

  static void store_be16(uint8_t* out, uint16_t value) {
    out[0] = static_cast<uint8_t>(value >> 8);
    out[1] = static_cast<uint8_t>(value);
  }
  uint16_t ip_checksum(size_t total) const {
    uint32_t sum = ip_sum_ + static_cast<uint32_t>(total);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<uint16_t>(~sum);
  }

  std::array<uint8_t, 64> bytes_{};
  uint32_t ip_sum_ = 0;  // of the header without length and checksum
};

}  // namespace plumbline::generator
