// Socket addresses as programs pass them: struct sockaddr and its kinds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "core/byte_order.hh"
#include "core/result.hh"
#include "memory/application_words.hh"
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
Status load_any_address(SocketAddress& address, std::uint64_t from, int length);
// The same, faster for an IPv4 address.
inline Status load_address(SocketAddress& address, std::uint64_t from, int length) {
  if (length != kInternetAddressSize || !is_application_range(from, kInternetAddressSize))
    return load_any_address(address, from, length);
  if (!load_words<kInternetAddressSize>(address.bytes, from)) return Errno::kEFAULT;
  address.length = kInternetAddressSize;
  return {};
}
// Stores as much of an address as the program has room for. kEINVAL: the room is negative; kEFAULT.
Status store_any_address(const SocketAddress& address, std::uint64_t to, int room);
inline Status store_address_bytes(const SocketAddress& address, std::uint64_t to, int room) {
  if (address.length != kInternetAddressSize || room < static_cast<int>(kInternetAddressSize) ||
      !is_application_range(to, kInternetAddressSize))
    return store_any_address(address, to, room);
  if (!store_words<kInternetAddressSize>(to, address.bytes)) return Errno::kEFAULT;
  return {};
}
// The same with the address's full length (accept(2), getsockname(2), recvfrom(2)); `to` 0: the
// program does not want it.
inline Status store_address(const SocketAddress& address, std::uint64_t to,
                            std::uint64_t length_at) {
  if (to == 0) return {};
  std::uint32_t room;
  if (!is_application_range(length_at, sizeof room) || !load_word(room, length_at))
    return Errno::kEFAULT;
  const Status stored = store_address_bytes(address, to, static_cast<int>(room));
  if (!stored) return stored;
  return store_word(length_at, static_cast<std::uint32_t>(address.length)) ? Status()
                                                                           : Errno::kEFAULT;
}

}  // namespace plumbline::linux_abi
