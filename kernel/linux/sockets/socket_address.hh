// Socket addresses as programs pass them: struct sockaddr and its kinds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "core/byte_order.hh"
#include "core/result.hh"
#include "net/udp.hh"

namespace plumbline::linux_abi {

// AF_... (Linux, include/linux/socket.h).
inline constexpr std::uint16_t kFamilyUnspecified = 0, kFamilyUnix = 1, kFamilyInternet = 2,
                               kFamilyInternet6 = 10, kFamilyNetlink = 16;

// struct sockaddr_storage with the length that goes with it. The bytes beyond the length mean
// nothing and are not initialised: addresses are made for each datagram.
struct SocketAddress {
  static constexpr std::size_t kMost = 128;

  // kFamilyUnspecified for what is too short to name a family.
  std::uint16_t family() const {
    return length < sizeof(std::uint16_t) ? kFamilyUnspecified
                                          : load_unaligned<std::uint16_t>(bytes);
  }
  std::span<const std::byte> rest() const {
    return length <= sizeof(std::uint16_t) ? std::span<const std::byte>()
                                           : std::span(bytes, length).subspan(2);
  }

  alignas(8) std::byte bytes[kMost];
  std::size_t length = 0;
};

// struct sockaddr_in: family, port and address in network order, eight bytes of nothing.
inline constexpr std::size_t kInternetAddressSize = 16;
inline void set_internet_address(SocketAddress& address, net::UdpEndpoint endpoint) {
  store_unaligned(address.bytes, std::uint16_t{kFamilyInternet});
  store_be16(address.bytes + 2, endpoint.port);
  store_be32(address.bytes + 4, endpoint.address.value);
  store_unaligned(address.bytes + 8, std::uint64_t{0});
  address.length = kInternetAddressSize;
}
// The caller has checked that the address is long enough.
inline net::UdpEndpoint internet_endpoint(const SocketAddress& address) {
  return {{load_be32(address.bytes + 4)}, load_be16(address.bytes + 2)};
}

// Reads the address of a call. kEINVAL: the length is none; kEFAULT.
Status load_address(SocketAddress& address, std::uint64_t from, int length);
// Stores as much of an address as the program has room for, and its full length
// (accept(2), getsockname(2), recvfrom(2)). `to` 0: the program does not want it. kEINVAL: the room
// is negative; kEFAULT.
Status store_address(const SocketAddress& address, std::uint64_t to, std::uint64_t length_at);
// The same for a room that is known already.
Status store_address_bytes(const SocketAddress& address, std::uint64_t to, int room);

}  // namespace plumbline::linux_abi
