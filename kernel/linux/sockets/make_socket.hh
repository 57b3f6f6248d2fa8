// socket(2) and socketpair(2): which families, types and protocols there are.
#pragma once

#include "linux/sockets/socket.hh"

namespace plumbline::linux_abi {

struct SocketPair {
  Ref<Socket> first, second;
};

// `flags`: kSocketNonblocking or 0. kEAFNOSUPPORT, kESOCKTNOSUPPORT, kEPROTONOSUPPORT, kEINVAL,
// kENOMEM.
Result<Ref<Socket>> make_socket(int family, int type, int protocol, std::uint32_t flags);
Result<SocketPair> make_socket_pair(int family, int type, int protocol, std::uint32_t flags);

}  // namespace plumbline::linux_abi
