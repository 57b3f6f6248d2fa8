#include "linux/sockets/make_socket.hh"

#include "linux/sockets/descriptors.hh"
#include "linux/sockets/tcp_socket.hh"
#include "linux/sockets/udp_socket.hh"
#include "linux/sockets/unix_socket.hh"

namespace plumbline::linux_abi {

namespace {

constexpr int kMostFamilies = 46, kSocketTypes = 11;  // AF_MAX, SOCK_MAX
constexpr int kProtocolTcp = 6, kProtocolUdp = 17;

Result<Ref<Socket>> make_internet_socket(int family, int type, int protocol, std::uint32_t flags) {
  switch (type) {
    case kStream: {
      if (protocol != 0 && protocol != kProtocolTcp) return Errno::kEPROTONOSUPPORT;
      auto socket = TcpSocket::create(family, flags);
      if (!socket) return socket.error();
      return Ref<Socket>(std::move(*socket));
    }
    case kDatagram: {
      if (protocol != 0 && protocol != kProtocolUdp) return Errno::kEPROTONOSUPPORT;
      auto socket = UdpSocket::create(flags);
      if (!socket) return socket.error();
      return Ref<Socket>(std::move(*socket));
    }
    case kRaw:
      return Errno::kEPERM;
    default:
      return Errno::kESOCKTNOSUPPORT;
  }
}

Status check_unix(int type, int protocol) {
  if (protocol != 0 && protocol != kFamilyUnix) return Errno::kEPROTONOSUPPORT;
  if (type != kStream && type != kDatagram && type != kSequencedPacket && type != kRaw)
    return Errno::kESOCKTNOSUPPORT;
  return {};
}

// SOCK_RAW of this family is another name for datagrams, as on Linux.
int unix_type(int type) { return type == kRaw ? kDatagram : type; }

}  // namespace

Result<Ref<Socket>> make_socket(int family, int type, int protocol, std::uint32_t flags) {
  if (family < 0 || family >= kMostFamilies) return Errno::kEAFNOSUPPORT;
  if (type < 0 || type >= kSocketTypes) return Errno::kEINVAL;
  switch (family) {
    case kFamilyUnix: {
      if (const Status good = check_unix(type, protocol); !good) return good.error();
      auto socket = UnixSocket::create(unix_type(type), flags);
      if (!socket) return socket.error();
      return Ref<Socket>(std::move(*socket));
    }
    case kFamilyInternet6:
      // Datagrams over IPv6 do not exist yet: programs fall back to IPv4.
      if (type == kDatagram) return Errno::kEAFNOSUPPORT;
      [[fallthrough]];
    case kFamilyInternet:
      return make_internet_socket(family, type, protocol, flags);
    default:
      return Errno::kEAFNOSUPPORT;
  }
}

Result<SocketPair> make_socket_pair(int family, int type, int protocol, std::uint32_t flags) {
  if (family == kFamilyInternet || family == kFamilyInternet6) return Errno::kEOPNOTSUPP;
  if (family != kFamilyUnix) return Errno::kEAFNOSUPPORT;
  if (type < 0 || type >= kSocketTypes) return Errno::kEINVAL;
  if (const Status good = check_unix(type, protocol); !good) return good.error();
  auto first = UnixSocket::create(unix_type(type), flags);
  if (!first) return first.error();
  auto second = UnixSocket::create(unix_type(type), flags);
  if (!second) return second.error();
  UnixEndpoint::pair((*first)->endpoint(), (*second)->endpoint());
  return SocketPair{std::move(*first), std::move(*second)};
}

}  // namespace plumbline::linux_abi
