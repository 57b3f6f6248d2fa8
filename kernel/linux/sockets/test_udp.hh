// For the tests of UDP sockets: programs with and without a device, sockets, arrivals.
#pragma once

#include <doctest/doctest.h>

#include "linux/sockets/test_sockets.hh"
#include "linux/sockets/udp_socket.hh"

namespace plumbline::linux_abi::test {

inline constexpr PollEvents kReadable = kPollIn | kPollReadNormal;
inline constexpr PollEvents kWritable = kPollOut | kPollWriteNormal | kPollWriteBand;
inline constexpr net::Ipv4Address kGuest = net::Ipv4Address::of(10, 9, 0, 2);
inline constexpr net::Ipv4Address kPeer = net::Ipv4Address::of(10, 9, 0, 1);
inline constexpr net::Ipv4Address kAny{};

struct Program {
  explicit Program(bool device = false) {
    hosted.reset();
    hosted.has_device = device;
  }
  ~Program() { hosted.reset(); }
  HostedProgram& hosted = HostedProgram::instance();
};

inline Ref<Socket> make_udp(std::uint32_t flags = kOpenNonblocking) {
  return make(kFamilyInternet, kDatagram, flags);
}
inline std::string bind(Socket& socket, net::Ipv4Address address, std::uint16_t port) {
  return text(socket.bind(internet_address(address, port)));
}
inline net::UdpEndpoint name(Socket& socket) {
  SocketAddress address;
  REQUIRE(socket.local_name(address));
  return internet_endpoint(address);
}
// A socket bound to the loopback, and its address.
struct Server {
  Server() : socket(make_udp()) {
    REQUIRE(bind(*socket, kLoopbackAddress, 0) == "0");
    address = internet_address(kLoopbackAddress, name(*socket).port);
  }
  Ref<Socket> socket;
  SocketAddress address;
};
// A datagram from the device.
inline Delivery arrive(net::UdpEndpoint from, net::UdpEndpoint to, std::string_view bytes,
                       bool broadcast = false) {
  const auto* const data = reinterpret_cast<const std::byte*>(bytes.data());
  const net::UdpDatagram datagram{from, to, {const_cast<std::byte*>(data), bytes.size()}};
  const auto result =
      broadcast ? deliver_udp(arrived_header(datagram), datagram.payload, nullptr, true, 0)
                : deliver_arrived_udp(datagram, 0);
  tell_udp_receivers(0);
  return result;
}

}  // namespace plumbline::linux_abi::test
