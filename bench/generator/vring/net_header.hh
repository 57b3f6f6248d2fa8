// The header in front of each frame in a ring or on a packet socket with PACKET_VNET_HDR: what the
// other side did not do with the frame, or must do (virtio 1.2, 5.1.6).
#pragma once

#include <cstdint>
#include <cstring>

#include "net/packet_buffer.hh"
#include "net/wire/ethernet.hh"
#include "net/wire/ipv4.hh"
#include "net/wire/tcp.hh"

namespace plumbline::generator {

struct NetHeader {
  static constexpr uint8_t kNeedsChecksum = 1;
  static constexpr uint8_t kDataValid = 2;
  static constexpr uint8_t kNoSegmentation = 0;
  static constexpr uint8_t kTcpIpv4 = 1;
  static constexpr uint8_t kTcpIpv6 = 4;
  static constexpr uint8_t kEcn = 0x80;

  uint8_t flags = 0;
  uint8_t segmentation = kNoSegmentation;
  uint16_t header_bytes = 0;
  uint16_t segment_size = 0;
  uint16_t checksum_start = 0;
  uint16_t checksum_offset = 0;
  uint16_t buffers = 0;  // of the long header only
};
static_assert(sizeof(NetHeader) == 12);

// The header at `from`, of at least ten bytes; `buffers` means nothing on this way.
inline NetHeader read_header(const uint8_t* from) {
  NetHeader header;
  std::memcpy(&header.flags, from, 1);
  std::memcpy(&header.segmentation, from + 1, 1);
  std::memcpy(&header.header_bytes, from + 2, 2);
  std::memcpy(&header.segment_size, from + 4, 2);
  std::memcpy(&header.checksum_start, from + 6, 2);
  std::memcpy(&header.checksum_offset, from + 8, 2);
  return header;
}

// What is to be said of a frame that is sent: one of TCP over IPv4 without options, unless its
// checksum is complete.
inline NetHeader header_for(const net::PacketBuffer& frame) {
  constexpr uint16_t kTcpAt = net::EthernetHeader::kSize + net::Ipv4Header::kSize;
  NetHeader header;
  if (frame.checksum != net::ChecksumState::kPartial &&
      frame.checksum != net::ChecksumState::kSegmentsIpv4)
    return header;
  header.flags = NetHeader::kNeedsChecksum;
  header.checksum_start = kTcpAt;
  header.checksum_offset = net::TcpHeader::kChecksumOffset;
  if (frame.checksum == net::ChecksumState::kSegmentsIpv4) {
    header.segmentation = NetHeader::kTcpIpv4;
    header.segment_size = frame.segment_size;
    // The TCP header's length in words is in the upper half of its byte 12.
    const auto words = static_cast<uint16_t>(static_cast<uint8_t>(frame.data[kTcpAt + 12]) >> 4);
    header.header_bytes = static_cast<uint16_t>(kTcpAt + 4 * words);
  }
  return header;
}

// What a received frame's header says of it.
inline void describe(net::PacketBuffer& frame, const NetHeader& header) {
  const bool joined = (header.segmentation & ~NetHeader::kEcn) != NetHeader::kNoSegmentation;
  frame.segment_size = joined ? header.segment_size : uint16_t{0};
  // A checksum that was left to the device is as good as a right one: nothing lies between.
  frame.checksum = joined && header.segment_size != 0 ? net::ChecksumState::kJoined
                   : (header.flags & (NetHeader::kNeedsChecksum | NetHeader::kDataValid)) != 0
                       ? net::ChecksumState::kValid
                       : net::ChecksumState::kUnknown;
}

}  // namespace plumbline::generator
