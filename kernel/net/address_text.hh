// IPv4 addresses as people write them.
#pragma once

#include <optional>
#include <string_view>

#include "net/wire/addresses.hh"

namespace plumbline::net {

// "10.9.0.2"; nothing for anything else (leading zeros, which some read as octal, included).
std::optional<Ipv4Address> parse_address(std::string_view text);
// "10.9.0.2/24". The address must be a host's: neither the network's nor its broadcast address,
// neither loopback nor multicast.
std::optional<Ipv4Prefix> parse_host_prefix(std::string_view text);

}  // namespace plumbline::net
