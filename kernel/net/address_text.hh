// Addresses as people write them.
#pragma once

#include <optional>
#include <string_view>

#include "net/wire/addresses.hh"
#include "net/wire/ip_address.hh"

namespace plumbline::net {

// "10.9.0.2"; nothing for anything else (leading zeros, which some read as octal, included).
std::optional<Ipv4Address> parse_address(std::string_view text);
// "10.9.0.2/24". The address must be a host's: neither the network's nor its broadcast address,
// neither loopback nor multicast.
std::optional<Ipv4Prefix> parse_host_prefix(std::string_view text);

// "2001:db8::2" (RFC 4291, section 2.2); nothing for anything else, IPv4 inside of it included.
std::optional<IpAddress> parse_address6(std::string_view text);
struct Ipv6Prefix {
  IpAddress address;
  uint8_t length = 64;
};
// "2001:db8::2/64". The address must be a host's: neither unspecified nor loopback, multicast or
// link-local.
std::optional<Ipv6Prefix> parse_host_prefix6(std::string_view text);

}  // namespace plumbline::net
