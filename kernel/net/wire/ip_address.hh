// An address of either family of IP, so that one table of flows serves both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/byte_order.hh"
#include "net/wire/addresses.hh"

namespace plumbline::net {

// 16 bytes as they lie on the wire; an IPv4 address is its IPv4-mapped IPv6 address,
// ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2). As two words, so that comparing takes two
// instructions and hashing has whole words to take in.
struct IpAddress {
  static constexpr size_t kSize = 16;

  uint64_t words[2]{};

  static constexpr IpAddress of(Ipv4Address address) {
    return from_raw_v4(byte_swap(address.value));
  }
  // From the four bytes of an IPv4 header, the sixteen of an IPv6 header.
  static IpAddress load_v4(const std::byte* from) {
    return from_raw_v4(load_unaligned<uint32_t>(from));
  }
  static IpAddress load_v6(const std::byte* from) {
    return {{load_unaligned<uint64_t>(from), load_unaligned<uint64_t>(from + 8)}};
  }
  // From the words of an IPv6 address as people write it: 2001:db8::1 is
  // (0x2001'0db8'0000'0000, 1).
  static constexpr IpAddress of_v6(uint64_t upper, uint64_t lower) {
    return {{byte_swap(upper), byte_swap(lower)}};
  }
  static constexpr IpAddress any_v4() { return of(Ipv4Address{}); }
  static constexpr IpAddress any_v6() { return {}; }

  constexpr bool is_v4() const {
    return words[0] == 0 && static_cast<uint32_t>(words[1]) == kMappedPrefix;
  }
  // The address as it stands in an IPv4 header, in the order of the wire; is_v4().
  constexpr uint32_t raw_v4() const { return static_cast<uint32_t>(words[1] >> 32); }
  constexpr Ipv4Address v4() const { return {byte_swap(raw_v4())}; }
  void store_v6(std::byte* to) const { std::memcpy(to, words, kSize); }

  // 0.0.0.0 or ::.
  constexpr bool is_unspecified() const {
    return words[0] == 0 && (words[1] == 0 || words[1] == kMappedPrefix);
  }
  // 224.0.0.0/4 or ff00::/8.
  constexpr bool is_multicast() const {
    return is_v4() ? v4().is_multicast() : (words[0] & 0xff) == 0xff;
  }
  // 127.0.0.0/8 or ::1.
  constexpr bool is_loopback() const { return is_v4() ? v4().is_loopback() : *this == of_v6(0, 1); }
  // fe80::/10: means something only together with the interface it was seen on (RFC 4007).
  constexpr bool is_link_local_v6() const { return (byte_swap(words[0]) >> 54) == 0xfe80 >> 6; }
  // True for what no conversation can be held with, so no segment comes from it (RFC 9293,
  // section 3.9.2.3; RFC 1122, 3.2.1.3): unspecified, multicast, and of IPv4 all above.
  constexpr bool is_never_a_source() const {
    return is_unspecified() || is_multicast() || (is_v4() && v4().is_class_d_or_e());
  }

  friend constexpr bool operator==(const IpAddress& a, const IpAddress& b) {
    return ((a.words[0] ^ b.words[0]) | (a.words[1] ^ b.words[1])) == 0;
  }

 private:
  // Bytes 8 to 11 of an IPv4-mapped address, 00 00 ff ff, as the lower half of a word.
  static constexpr uint32_t kMappedPrefix = 0xffff'0000;
  static constexpr IpAddress from_raw_v4(uint32_t raw) {
    return {{0, uint64_t{raw} << 32 | kMappedPrefix}};
  }
};

}  // namespace plumbline::net
