// For the tests of TCP sockets: a stack with a loopback, sockets, connections.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "linux/sockets/hosted_tcp.hh"
#include "linux/sockets/tcp_socket.hh"
#include "linux/sockets/test_sockets.hh"

namespace plumbline::linux_abi::test {

inline constexpr PollEvents kReadable = kPollIn | kPollReadNormal;
inline constexpr PollEvents kWritable = kPollOut | kPollWriteNormal;

// A program with an empty network; at its end nothing of TCP may be left.
struct TcpProgram {
  TcpProgram() {
    HostedProgram::instance().reset();
    start_hosted_tcp();
  }
  ~TcpProgram() {
    HostedProgram::instance().reset();
    CHECK(stop_hosted_tcp() == 0);
  }
};

inline Ref<Socket> make_tcp(std::uint32_t flags = kOpenNonblocking, int family = kFamilyInternet) {
  return make(family, kStream, flags);
}
inline std::uint16_t port_of(Socket& socket) {
  SocketAddress address;
  REQUIRE(socket.local_name(address));
  return load_be16(address.bytes + 2);
}
inline SocketAddress loopback(std::uint16_t port) {
  return internet_address(kLoopbackAddress, port);
}

// A socket that listens on the loopback.
struct TcpServer {
  explicit TcpServer(std::uint32_t flags = kOpenNonblocking, int backlog = 16)
      : socket(make_tcp(flags)) {
    REQUIRE(socket->bind(loopback(0)));
    REQUIRE(socket->listen(backlog));
    address = loopback(port_of(*socket));
  }
  Ref<Socket> accept(std::uint32_t flags = kOpenNonblocking) {
    auto accepted = socket->accept(flags, nullptr);
    REQUIRE(accepted);
    return std::move(*accepted);
  }
  Ref<Socket> socket;
  SocketAddress address;
};

// Both ends of a connection over the loopback.
struct TcpPair {
  explicit TcpPair(std::uint32_t flags = kOpenNonblocking) : client(make_tcp(flags)) {
    const Status connected = client->connect(server.address);
    REQUIRE((connected || connected.error() == Errno::kEINPROGRESS));
    accepted = server.accept(flags);
    if (!connected) REQUIRE(client->connect(server.address));
  }
  TcpServer server;
  Ref<Socket> client, accepted;
};

}  // namespace plumbline::linux_abi::test
