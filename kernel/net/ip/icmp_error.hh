// What an ICMP message says of a packet that this host has sent (RFC 792, RFC 4443).
#pragma once

#include <optional>
#include <span>

#include "core/errno.hh"
#include "net/wire/icmp.hh"
#include "net/wire/ip_address.hh"

namespace plumbline::net {

// Everything in it is what a stranger wrote: whoever acts on it first compares it with what was
// really sent (RFC 5927).
struct IcmpError {
  IpAddress local;  // whence the packet came: whether that is us is not checked yet
  IpAddress remote;
  uint8_t protocol = 0;  // Ipv4Header::kTcp or kUdp
  uint16_t local_port = 0;
  uint16_t remote_port = 0;
  uint32_t sequence = 0;  // TCP
  // As Linux translates the message (net/ipv4/icmp.c, icmp_err_convert; net/ipv6/icmp.c).
  // kEMSGSIZE: too large for the path, which takes packets of `mtu` bytes.
  Errno error = Errno::kNone;
  bool hard = false;  // it will not pass by itself
  uint16_t mtu = 0;
};

// `rest` is what follows the ICMP header: the start of the packet that the message is about.
// Nothing when the message reports no error of TCP or UDP, or does not hold enough to say whose.
std::optional<IcmpError> parse_icmp_error(const IcmpHeader& header,
                                          std::span<const std::byte> rest);
// The same for ICMPv6.
std::optional<IcmpError> parse_icmpv6_error(const IcmpHeader& header,
                                            std::span<const std::byte> rest);

}  // namespace plumbline::net
