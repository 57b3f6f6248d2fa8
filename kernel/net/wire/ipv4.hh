// Internet Protocol version 4 header (RFC 791, section 3.1).
#pragma once

#include <optional>
#include <span>

#include "core/byte_order.hh"
#include "net/checksum.hh"
#include "net/wire/addresses.hh"

namespace plumbline::net {

struct Ipv4Header {
  static constexpr size_t kSize = 20;  // without options
  static constexpr size_t kMaximumSize = 60;
  static constexpr uint8_t kIcmp = 1;
  static constexpr uint8_t kTcp = 6;
  static constexpr uint8_t kUdp = 17;
  static constexpr uint8_t kDefaultTimeToLive = 64;

  uint8_t header_length = kSize;  // bytes, options included
  uint16_t total_length = 0;      // bytes, header included
  uint16_t identification = 0;
  bool dont_fragment = false;
  bool more_fragments = false;
  uint16_t fragment_offset = 0;  // bytes, a multiple of 8
  uint8_t time_to_live = kDefaultTimeToLive;
  uint8_t protocol = 0;
  Ipv4Address source;
  Ipv4Address destination;

  bool is_fragment() const { return more_fragments || fragment_offset != 0; }
  size_t payload_length() const { return size_t{total_length} - header_length; }

  // The header at the start of `packet`, with version, both lengths and (unless the caller knows
  // better) checksum verified; nothing when any of them is wrong. total_length may be less than
  // packet.size(): Ethernet pads short frames.
  static std::optional<Ipv4Header> parse(std::span<const std::byte> packet) {
    if (packet.size() < kSize) return std::nullopt;
    const std::byte* const at = packet.data();
    const auto first = static_cast<uint8_t>(at[0]);
    const size_t header_length = size_t{first} % 16 * 4;
    const uint16_t total_length = load_be16(at + 2);
    if (first >> 4 != 4 || header_length < kSize || total_length < header_length ||
        total_length > packet.size())
      return std::nullopt;
    if (header_length == kSize ? header_sum(at) != 0 : internet_checksum({at, header_length}) != 0)
      return std::nullopt;
    const uint16_t fragment = load_be16(at + 6);
    Ipv4Header header;
    header.header_length = static_cast<uint8_t>(header_length);
    header.total_length = total_length;
    header.identification = load_be16(at + 4);
    header.dont_fragment = (fragment & 0x4000) != 0;
    header.more_fragments = (fragment & 0x2000) != 0;
    header.fragment_offset = static_cast<uint16_t>((fragment & 0x1fff) * 8);
    header.time_to_live = static_cast<uint8_t>(at[8]);
    header.protocol = static_cast<uint8_t>(at[9]);
    header.source = {load_be32(at + 12)};
    header.destination = {load_be32(at + 16)};
    return header;
  }

  // Writes kSize bytes with their checksum; options are never sent.
  void emit(std::byte* at) const {
    store_be16(at, 0x4500);
    store_be16(at + 2, total_length);
    store_be16(at + 4, identification);
    store_be16(at + 6, static_cast<uint16_t>((dont_fragment ? 0x4000 : 0) |
                                             (more_fragments ? 0x2000 : 0) | fragment_offset / 8));
    at[8] = std::byte{time_to_live};
    at[9] = std::byte{protocol};
    store_be16(at + 10, 0);
    store_be32(at + 12, source.value);
    store_be32(at + 16, destination.value);
    store_native16(at + 10, header_sum(at));
  }

 private:
  // internet_checksum() of exactly 20 bytes, without a loop.
  static uint16_t header_sum(const std::byte* at) {
    uint64_t a, b;
    uint32_t c;
    std::memcpy(&a, at, 8);
    std::memcpy(&b, at + 8, 8);
    std::memcpy(&c, at + 16, 4);
    return finish_checksum(add_with_carry(add_with_carry(a, b), c));
  }
};

// Sum of the pseudo header that TCP's and UDP's checksums cover (RFC 768, RFC 9293 section 3.1),
// in the form that sum_bytes() continues.
inline uint64_t pseudo_header_sum(Ipv4Address source, Ipv4Address destination, uint8_t protocol,
                                  uint16_t length) {
  const uint64_t addresses = uint64_t{source.value} + destination.value;
  // A byte-swapped sum is the sum of the byte-swapped words (RFC 1071, section 2, B), so the sum is
  // made in host order and swapped once, folded.
  const uint16_t folded = fold_sum(addresses + protocol + length);
  return static_cast<uint16_t>(folded << 8 | folded >> 8);
}

}  // namespace plumbline::net
