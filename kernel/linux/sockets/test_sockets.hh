// Calls on sockets as hosted tests make them: results as text, "7" or "EAGAIN".
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>

#include "linux/sockets/hosted_program.hh"
#include "linux/sockets/make_socket.hh"
#include "linux/sockets/socket.hh"

namespace plumbline::linux_abi::test {

inline std::string name_of(Errno error) {
  switch (error) {
    case Errno::kEPERM:
      return "EPERM";
    case Errno::kENOENT:
      return "ENOENT";
    case Errno::kEAGAIN:
      return "EAGAIN";
    case Errno::kEBADF:
      return "EBADF";
    case Errno::kEACCES:
      return "EACCES";
    case Errno::kEFAULT:
      return "EFAULT";
    case Errno::kEINVAL:
      return "EINVAL";
    case Errno::kEPIPE:
      return "EPIPE";
    case Errno::kEDOM:
      return "EDOM";
    case Errno::kENODEV:
      return "ENODEV";
    case Errno::kENOTTY:
      return "ENOTTY";
    case Errno::kENOTSOCK:
      return "ENOTSOCK";
    case Errno::kEDESTADDRREQ:
      return "EDESTADDRREQ";
    case Errno::kEMSGSIZE:
      return "EMSGSIZE";
    case Errno::kEPROTOTYPE:
      return "EPROTOTYPE";
    case Errno::kENOPROTOOPT:
      return "ENOPROTOOPT";
    case Errno::kEPROTONOSUPPORT:
      return "EPROTONOSUPPORT";
    case Errno::kESOCKTNOSUPPORT:
      return "ESOCKTNOSUPPORT";
    case Errno::kEOPNOTSUPP:
      return "EOPNOTSUPP";
    case Errno::kEAFNOSUPPORT:
      return "EAFNOSUPPORT";
    case Errno::kEADDRINUSE:
      return "EADDRINUSE";
    case Errno::kEADDRNOTAVAIL:
      return "EADDRNOTAVAIL";
    case Errno::kENETUNREACH:
      return "ENETUNREACH";
    case Errno::kECONNRESET:
      return "ECONNRESET";
    case Errno::kEISCONN:
      return "EISCONN";
    case Errno::kENOTCONN:
      return "ENOTCONN";
    case Errno::kEINPROGRESS:
      return "EINPROGRESS";
    case Errno::kECONNREFUSED:
      return "ECONNREFUSED";
    default:
      return "error " + std::to_string(static_cast<int>(error));
  }
}
template <typename T>
std::string text(const Result<T>& result) {
  return result ? std::to_string(*result) : name_of(result.error());
}
inline std::string text(const Status& status) { return status ? "0" : name_of(status.error()); }
template <typename T>
std::string error_of(const Result<T>& result) {
  return result ? "ok" : name_of(result.error());
}

inline Ref<Socket> make(int family, int type, std::uint32_t flags = 0) {
  auto socket = make_socket(family, type, 0, flags);
  REQUIRE(socket);
  return std::move(*socket);
}
inline SocketPair make_pair(int type, std::uint32_t flags = kOpenNonblocking) {
  auto pair = make_socket_pair(kFamilyUnix, type, 0, flags);
  REQUIRE(pair);
  return std::move(*pair);
}

inline SocketAddress unix_address(std::string_view path) {
  SocketAddress address;
  store_unaligned(address.bytes, std::uint16_t{kFamilyUnix});
  std::memcpy(address.bytes + 2, path.data(), path.size());
  address.length = 2 + path.size();
  return address;
}
inline SocketAddress internet_address(net::Ipv4Address address, std::uint16_t port) {
  SocketAddress result;
  set_internet_address(result, {address, port});
  return result;
}

inline Result<std::size_t> send(Socket& socket, std::string_view bytes,
                                const SendRequest& request = {}) {
  const IoSegment segment{reinterpret_cast<std::uint64_t>(bytes.data()), bytes.size()};
  IoCursor cursor({&segment, 1});
  return socket.send(cursor, request);
}
inline Result<std::size_t> send_to(Socket& socket, std::string_view bytes,
                                   const SocketAddress& to) {
  SendRequest request;
  request.to = &to;
  return send(socket, bytes, request);
}

struct Received {
  std::string bytes;  // or the error's name
  Result<std::size_t> result = Errno::kEAGAIN;
  SocketAddress from;
  std::uint32_t flags = 0;
};
inline Received receive(Socket& socket, std::size_t room = 70000, std::uint32_t flags = 0,
                        ControlWriter* control = nullptr) {
  Received received;
  std::string buffer(room, '?');
  const IoSegment segment{reinterpret_cast<std::uint64_t>(buffer.data()), room};
  IoCursor cursor({&segment, 1});
  ReceiveRequest request;
  request.flags = flags;
  request.from = &received.from;
  request.control = control;
  received.result = socket.receive(cursor, request);
  received.flags = request.result_flags;
  if (received.result)
    received.bytes = buffer.substr(0, std::min(*received.result, room));
  else
    received.bytes = name_of(received.result.error());
  return received;
}
inline std::string take(Socket& socket, std::size_t room = 70000, std::uint32_t flags = 0) {
  return receive(socket, room, flags).bytes;
}

template <typename T>
std::string set(Socket& socket, int level, int name, const T& value) {
  return text(socket.set_option(level, name, reinterpret_cast<std::uint64_t>(&value),
                                static_cast<int>(sizeof value)));
}
// An int option's value, or the error's name.
inline std::string get(Socket& socket, int level, int name) {
  alignas(16) std::int32_t value = -77;
  const auto length =
      socket.get_option(level, name, reinterpret_cast<std::uint64_t>(&value), sizeof value);
  return length ? std::to_string(value) : name_of(length.error());
}

}  // namespace plumbline::linux_abi::test
