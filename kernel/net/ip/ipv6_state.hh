// What a host knows of itself and of its link in IPv6: its addresses, which others are neighbours,
// and who forwards to the rest (RFC 4861, section 5.1; RFC 4862).
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "net/wire/ip_address.hh"

namespace plumbline::net {

// The first `length` bits of both are the same.
constexpr bool same_prefix(const IpAddress& a, const IpAddress& b, unsigned length) {
  for (const unsigned word : {0u, 1u}) {
    const unsigned bits = std::min(length, 64u);
    if (bits != 0 && byte_swap(a.words[word] ^ b.words[word]) >> (64 - bits) != 0) return false;
    length -= bits;
  }
  return true;
}

// An array with as many valid entries as `count` says.
template <typename T, size_t N>
struct BoundedList {
  std::array<T, N> entries{};
  size_t count = 0;

  std::span<T> all() { return std::span(entries).first(count); }
  std::span<const T> all() const { return std::span(entries).first(count); }
  // False: it is full.
  bool add(const T& entry) {
    if (count == N) return false;
    entries[count++] = entry;
    return true;
  }
  template <typename Condition>
  bool remove_if(Condition&& condition) {
    const auto live = all();
    const auto end = std::remove_if(live.begin(), live.end(), condition);
    const auto left = static_cast<size_t>(end - live.begin());
    const bool changed = left != count;
    count = left;
    return changed;
  }
};

// A copy of it can be asked without a lock. Times are nanoseconds of one clock.
struct Ipv6State {
  static constexpr uint64_t kForever = ~uint64_t{0};

  struct Own {
    IpAddress address;
    uint8_t prefix_length = 64;
    bool automatic = false;  // from a router's prefix
    // Nobody else was found to have it. Until then it is used as RFC 4429 allows.
    bool unique = false;
    uint8_t probes_left = 0;
    uint64_t preferred_until = kForever;
    uint64_t valid_until = kForever;
  };
  struct Prefix {
    IpAddress address;
    uint8_t length = 0;
    uint64_t until = kForever;
  };
  struct Router {
    IpAddress address;
    int8_t preference = 0;
    uint64_t until = kForever;
  };
  struct Detour {
    IpAddress destination;
    IpAddress hop;
  };

  BoundedList<Own, 8> own;
  BoundedList<Prefix, 8> on_link;
  // The best first.
  BoundedList<Router, 4> routers;
  BoundedList<Detour, 8> detours;
  uint8_t hop_limit = 64;
  uint16_t mtu = 0xffff;  // of the link, as a router says
  uint64_t reachable_time = 30'000'000'000;

  const Own* find_own(const IpAddress& address) const;
  // Whether packets to it are for us: one of our addresses, or a group of theirs.
  bool is_for_us(const IpAddress& address) const;
  // Which neighbour packets to `to` go to; unspecified: there is no way.
  IpAddress next_hop(const IpAddress& to, uint64_t now) const;
  // The address that packets to `to` should come from (RFC 6724, section 5: rules 1 to 3 and 8);
  // nullptr: there is none.
  const Own* source_for(const IpAddress& to, uint64_t now) const;
};

// fe80:: and the interface identifier that is made of a MAC address (RFC 4291, appendix A).
IpAddress interface_identifier(MacAddress mac, const IpAddress& prefix);
inline constexpr IpAddress kLinkLocalPrefix = IpAddress::of_v6(0xfe80'0000'0000'0000, 0);

}  // namespace plumbline::net
