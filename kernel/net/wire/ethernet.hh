// Ethernet II frame header (IEEE 802.3, clause 3; no VLAN tag).
#pragma once

#include <optional>
#include <span>

#include "core/byte_order.hh"
#include "net/wire/addresses.hh"

namespace plumbline::net {

struct EthernetHeader {
  static constexpr size_t kSize = 14;
  static constexpr uint16_t kIpv4 = 0x0800;
  static constexpr uint16_t kArp = 0x0806;
  static constexpr uint16_t kIpv6 = 0x86dd;

  MacAddress destination;
  MacAddress source;
  uint16_t type = 0;

  // The header at the start of `frame`, or nothing when the frame is shorter than a header.
  static std::optional<EthernetHeader> parse(std::span<const std::byte> frame) {
    if (frame.size() < kSize) return std::nullopt;
    const std::byte* const at = frame.data();
    return EthernetHeader{MacAddress::load(at), MacAddress::load(at + 6), load_be16(at + 12)};
  }
  // Writes kSize bytes.
  void emit(std::byte* at) const {
    destination.store(at);
    source.store(at + 6);
    store_be16(at + 12, type);
  }
};

}  // namespace plumbline::net
