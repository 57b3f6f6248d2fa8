// Addresses as they stand in headers: Ethernet (IEEE 802.3) and IPv4 (RFC 791).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace plumbline::net {

// A 48-bit Ethernet address, octets in the order of transmission.
struct MacAddress {
  std::array<uint8_t, 6> octets{};

  static MacAddress load(const std::byte* from) {
    MacAddress address;
    std::memcpy(address.octets.data(), from, 6);
    return address;
  }
  void store(std::byte* to) const { std::memcpy(to, octets.data(), 6); }
  static constexpr MacAddress broadcast() { return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}; }
  // Multicast, of which broadcast is one.
  constexpr bool is_group() const { return (octets[0] & 1) != 0; }
  constexpr bool is_zero() const { return *this == MacAddress{}; }
  friend constexpr bool operator==(const MacAddress&, const MacAddress&) = default;
};

// An IPv4 address; `value` in host order: 10.9.0.2 is 0x0a090002.
struct Ipv4Address {
  uint32_t value = 0;

  static constexpr Ipv4Address of(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
    return {static_cast<uint32_t>(a) << 24 | static_cast<uint32_t>(b) << 16 |
            static_cast<uint32_t>(c) << 8 | d};
  }
  constexpr bool is_zero() const { return value == 0; }
  constexpr bool is_multicast() const { return (value >> 28) == 0xe; }
  constexpr bool is_loopback() const { return (value >> 24) == 127; }
  // 224.0.0.0 and above: multicast, reserved and limited broadcast. Never a source (RFC 1122
  // 3.2.1.3).
  constexpr bool is_class_d_or_e() const { return (value >> 28) >= 0xe; }
  friend constexpr bool operator==(const Ipv4Address&, const Ipv4Address&) = default;
};

// An address with the length of its network prefix, 0 to 32 ("10.9.0.2/24").
struct Ipv4Prefix {
  Ipv4Address address;
  uint8_t length = 32;

  constexpr uint32_t mask() const { return length == 0 ? 0 : ~uint32_t{0} << (32 - length); }
  constexpr bool contains(Ipv4Address other) const {
    return ((address.value ^ other.value) & mask()) == 0;
  }
  // The directed broadcast address (RFC 919); networks of 31 and 32 bits have none (RFC 3021).
  constexpr bool is_broadcast(Ipv4Address other) const {
    return length < 31 && contains(other) && (other.value | mask()) == ~uint32_t{0};
  }
};

}  // namespace plumbline::net
