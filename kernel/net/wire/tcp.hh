// Transmission Control Protocol header (RFC 9293, section 3.1) and its checksum.
#pragma once

#include <optional>
#include <span>

#include "core/byte_order.hh"
#include "net/checksum.hh"
#include "net/wire/ip_address.hh"
#include "net/wire/ipv4.hh"

namespace plumbline::net {

// Bits of the header's fourteenth byte.
namespace tcp_flags {
inline constexpr uint8_t kFin = 0x01;
inline constexpr uint8_t kSyn = 0x02;
inline constexpr uint8_t kRst = 0x04;
inline constexpr uint8_t kPsh = 0x08;
inline constexpr uint8_t kAck = 0x10;
inline constexpr uint8_t kUrg = 0x20;
inline constexpr uint8_t kEce = 0x40;  // RFC 3168, section 6.1
inline constexpr uint8_t kCwr = 0x80;
}  // namespace tcp_flags

// Kinds of options (IANA, "TCP Option Kind Numbers") and their lengths in bytes.
namespace tcp_options {
inline constexpr uint8_t kEnd = 0;
inline constexpr uint8_t kNoOperation = 1;
inline constexpr uint8_t kMaximumSegmentSize = 2;
inline constexpr uint8_t kWindowScale = 3;
inline constexpr uint8_t kSackPermitted = 4;
inline constexpr uint8_t kSack = 5;
inline constexpr uint8_t kTimestamps = 8;
inline constexpr uint8_t kMaximumSegmentSizeLength = 4;
inline constexpr uint8_t kWindowScaleLength = 3;
inline constexpr uint8_t kSackPermittedLength = 2;
inline constexpr uint8_t kSackBlockLength = 8;  // each, behind two bytes of kind and length
inline constexpr uint8_t kTimestampsLength = 10;
// NOP, NOP, timestamps, 10: how everybody lays them out (RFC 7323, appendix A).
inline constexpr uint32_t kPaddedTimestamps = 0x0101'080a;
inline constexpr uint8_t kPaddedTimestampsLength = 12;
}  // namespace tcp_options

struct TcpHeader {
  static constexpr size_t kSize = 20;  // without options
  static constexpr size_t kMaximumSize = 60;
  static constexpr size_t kChecksumOffset = 16;
  static constexpr uint8_t kMaximumWindowScale = 14;  // RFC 7323, section 2.3

  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  uint32_t sequence = 0;
  uint32_t acknowledgement = 0;
  uint8_t header_length = kSize;  // bytes, options included; a multiple of 4
  uint8_t flags = 0;
  uint16_t window = 0;  // as in the header, not scaled
  uint16_t urgent = 0;

  // The header at the start of `segment` (of which only the header must be there), or nothing when
  // it or the length it states does not fit. Does not look at the checksum.
  static std::optional<TcpHeader> parse(std::span<const std::byte> segment) {
    if (segment.size() < kSize) return std::nullopt;
    const std::byte* const at = segment.data();
    const auto header_length = static_cast<uint8_t>(static_cast<uint8_t>(at[12]) >> 4 << 2);
    if (header_length < kSize || header_length > segment.size()) return std::nullopt;
    return TcpHeader{load_be16(at),      load_be16(at + 2), load_be32(at + 4),
                     load_be32(at + 8),  header_length,     static_cast<uint8_t>(at[13]),
                     load_be16(at + 14), load_be16(at + 18)};
  }
  // Writes kSize bytes with a checksum field of 0. header_length says where the payload starts; the
  // options in between are the caller's.
  void emit(std::byte* at) const {
    store_be16(at, source_port);
    store_be16(at + 2, destination_port);
    store_be32(at + 4, sequence);
    store_be32(at + 8, acknowledgement);
    at[12] = static_cast<std::byte>(header_length << 2);
    at[13] = std::byte{flags};
    store_be16(at + 14, window);
    store_be16(at + kChecksumOffset, 0);
    store_be16(at + 18, urgent);
  }
};

// What TCP's checksum covers besides the segment (RFC 9293, section 3.1; RFC 8200, section 8.1), in
// the form that sum_bytes() continues. `length`: bytes of the segment, header included. One sum for
// both families: the 0xffff in front of an IPv4 address is a zero of one's complement arithmetic,
// and the sum has no other, because the protocol is in it.
inline uint64_t tcp_pseudo_sum(const IpAddress& source, const IpAddress& destination,
                               uint32_t length) {
  uint64_t sum = add_with_carry(source.words[0], source.words[1]);
  sum = add_with_carry(add_with_carry(sum, destination.words[0]), destination.words[1]);
  // Numbers, not bytes of the wire, so they are swapped into its order.
  return add_with_carry(sum, uint64_t{byte_swap(length)} + byte_swap(uint32_t{Ipv4Header::kTcp}));
}

// The checksum of a whole segment in one piece, for its checksum field, which must be 0.
inline uint16_t tcp_checksum(std::span<const std::byte> segment, const IpAddress& source,
                             const IpAddress& destination) {
  const auto length = static_cast<uint32_t>(segment.size());
  return finish_checksum(sum_bytes(segment, tcp_pseudo_sum(source, destination, length)));
}

// True when the checksum in a segment in one piece is right.
inline bool tcp_checksum_valid(std::span<const std::byte> segment, const IpAddress& source,
                               const IpAddress& destination) {
  return tcp_checksum(segment, source, destination) == 0;
}

}  // namespace plumbline::net
