// Address Resolution Protocol packet for IPv4 over Ethernet (RFC 826).
#pragma once

#include <optional>
#include <span>

#include "core/byte_order.hh"
#include "net/wire/addresses.hh"

namespace plumbline::net {

struct ArpPacket {
  static constexpr size_t kSize = 28;
  static constexpr uint16_t kRequest = 1;
  static constexpr uint16_t kReply = 2;

  uint16_t operation = 0;
  MacAddress sender_mac;
  Ipv4Address sender;
  MacAddress target_mac;
  Ipv4Address target;

  // The packet behind the Ethernet header, or nothing when it is short or not IPv4 over Ethernet.
  static std::optional<ArpPacket> parse(std::span<const std::byte> bytes) {
    if (bytes.size() < kSize) return std::nullopt;
    const std::byte* const at = bytes.data();
    // Hardware type 1, protocol 0x0800, address lengths 6 and 4.
    if (load_be64(at) >> 16 != kFormat) return std::nullopt;
    return ArpPacket{load_be16(at + 6),
                     MacAddress::load(at + 8),
                     {load_be32(at + 14)},
                     MacAddress::load(at + 18),
                     {load_be32(at + 24)}};
  }
  // Writes kSize bytes.
  void emit(std::byte* at) const {
    store_be64(at, kFormat << 16 | operation);
    sender_mac.store(at + 8);
    store_be32(at + 14, sender.value);
    target_mac.store(at + 18);
    store_be32(at + 24, target.value);
  }

 private:
  static constexpr uint64_t kFormat = 0x0001'0800'06'04;
};

}  // namespace plumbline::net
