// Addresses of AF_INET and AF_INET6 sockets as one kind of value.
#pragma once

#include "core/result.hh"
#include "linux/sockets/socket_address.hh"
#include "net/wire/ip_address.hh"

namespace plumbline::linux_abi {

// struct sockaddr_in6: family, port, flow information, 16 bytes of address, scope.
inline constexpr std::size_t kInternet6AddressSize = 28;
// What RFC 2133 had, without the scope; Linux still takes it (SIN6_LEN_RFC2133).
inline constexpr std::size_t kLeastInternet6AddressSize = 24;

// One end of a connection or a datagram.
struct InternetEndpoint {
  net::IpAddress address = net::IpAddress::any_v4();
  std::uint16_t port = 0;
  // The interface of a link-local IPv6 address.
  std::uint32_t scope = 0;
  friend bool operator==(const InternetEndpoint&, const InternetEndpoint&) = default;
};

// The address that a program gave to a socket of `family`. kEINVAL: too short; kEAFNOSUPPORT:
// another family's.
Result<InternetEndpoint> load_endpoint(const SocketAddress& address, int family);
// The same the other way; IPv4 addresses become IPv4-mapped ones for sockets of AF_INET6.
void store_endpoint(SocketAddress& address, const InternetEndpoint& endpoint, int family);

}  // namespace plumbline::linux_abi
