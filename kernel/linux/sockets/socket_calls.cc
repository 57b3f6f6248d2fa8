// The calls that make, name, connect and configure sockets.
#include <asm/unistd_64.h>

#include "linux/call.hh"
#include "linux/sockets/descriptors.hh"
#include "linux/sockets/make_socket.hh"
#include "linux/sockets/socket_of.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {

namespace {

constexpr int kTypeFlags = kSocketNonblocking | kSocketCloseOnExec;

Result<int> call_socket(int family, int type, int protocol) {
  if ((type & ~(kSocketTypeMask | kTypeFlags)) != 0) return Errno::kEINVAL;
  auto socket = make_socket(family, type & kSocketTypeMask, protocol,
                            static_cast<std::uint32_t>(type & kSocketNonblocking));
  if (!socket) return socket.error();
  return install_descriptor(std::move(*socket), (type & kSocketCloseOnExec) != 0);
}
LINUX_CALL(__NR_socket, socket, call_socket);

Status call_socketpair(int family, int type, int protocol, std::uint64_t descriptors) {
  if ((type & ~(kSocketTypeMask | kTypeFlags)) != 0) return Errno::kEINVAL;
  const bool close_on_exec = (type & kSocketCloseOnExec) != 0;
  auto pair = make_socket_pair(family, type & kSocketTypeMask, protocol,
                               static_cast<std::uint32_t>(type & kSocketNonblocking));
  if (!pair) return pair.error();
  const Result<int> first = install_descriptor(std::move(pair->first), close_on_exec);
  if (!first) return first.error();
  const Result<int> second = install_descriptor(std::move(pair->second), close_on_exec);
  const auto undo = [&](Errno error) -> Status {
    close_descriptor(*first);
    if (second) close_descriptor(*second);
    return error;
  };
  if (!second) return undo(second.error());
  struct Pair {
    std::int32_t first, second;
  };
  if (!store_application(descriptors, Pair{*first, *second})) return undo(Errno::kEFAULT);
  return {};
}
LINUX_CALL(__NR_socketpair, socketpair, call_socketpair);

Status call_bind(int descriptor, std::uint64_t address_at, int length) {
  const SocketReference socket(descriptor);
  if (!socket) return socket.error();
  SocketAddress address;
  if (const Status loaded = load_address(address, address_at, length); !loaded) return loaded;
  return socket->bind(address);
}
LINUX_CALL(__NR_bind, bind, call_bind);

Status call_connect(int descriptor, std::uint64_t address_at, int length) {
  const SocketReference socket(descriptor);
  if (!socket) return socket.error();
  SocketAddress address;
  if (const Status loaded = load_address(address, address_at, length); !loaded) return loaded;
  return socket->connect(address);
}
LINUX_CALL(__NR_connect, connect, call_connect);

Status call_listen(int descriptor, int backlog) {
  const SocketReference socket(descriptor);
  if (!socket) return socket.error();
  return socket->listen(backlog);
}
LINUX_CALL(__NR_listen, listen, call_listen);

Result<int> accept(int descriptor, std::uint64_t address_at, std::uint64_t length_at, int flags) {
  if ((flags & ~kTypeFlags) != 0) return Errno::kEINVAL;
  const SocketReference socket(descriptor);
  if (!socket) return socket.error();
  SocketAddress peer;
  auto accepted = socket->accept(static_cast<std::uint32_t>(flags & kSocketNonblocking),
                                 address_at != 0 ? &peer : nullptr);
  if (!accepted) return accepted.error();
  // Before the descriptor is there: who gets an error has got no connection.
  if (const Status stored = store_address(peer, address_at, length_at); !stored)
    return stored.error();
  return install_descriptor(std::move(*accepted), (flags & kSocketCloseOnExec) != 0);
}
Result<int> call_accept(int descriptor, std::uint64_t address, std::uint64_t length) {
  return accept(descriptor, address, length, 0);
}
LINUX_CALL(__NR_accept, accept, call_accept);
LINUX_CALL(__NR_accept4, accept4, accept);

Status call_getsockname(int descriptor, std::uint64_t address_at, std::uint64_t length_at) {
  const SocketReference socket(descriptor);
  if (!socket) return socket.error();
  SocketAddress address;
  if (const Status named = socket->local_name(address); !named) return named;
  if (address_at == 0) return Errno::kEFAULT;
  return store_address(address, address_at, length_at);
}
LINUX_CALL(__NR_getsockname, getsockname, call_getsockname);

Status call_getpeername(int descriptor, std::uint64_t address_at, std::uint64_t length_at) {
  const SocketReference socket(descriptor);
  if (!socket) return socket.error();
  SocketAddress address;
  if (const Status named = socket->peer_name(address); !named) return named;
  if (address_at == 0) return Errno::kEFAULT;
  return store_address(address, address_at, length_at);
}
LINUX_CALL(__NR_getpeername, getpeername, call_getpeername);

Status call_shutdown(int descriptor, int how) {
  const SocketReference socket(descriptor);
  if (!socket) return socket.error();
  if (how < 0 || how > 2) return Errno::kEINVAL;
  return socket->shutdown(static_cast<std::uint8_t>(how + 1));
}
LINUX_CALL(__NR_shutdown, shutdown, call_shutdown);

Status call_setsockopt(int descriptor, int level, int name, std::uint64_t value, int length) {
  const SocketReference socket(descriptor);
  if (!socket) return socket.error();
  return socket->set_option(level, name, value, length);
}
LINUX_CALL(__NR_setsockopt, setsockopt, call_setsockopt);

Status call_getsockopt(int descriptor, int level, int name, std::uint64_t value,
                       std::uint64_t length_at) {
  const SocketReference socket(descriptor);
  if (!socket) return socket.error();
  const auto room = load_application<std::int32_t>(length_at);
  if (!room) return room.error();
  const Result<int> length = socket->get_option(level, name, value, *room);
  if (!length) return length.error();
  return store_application(length_at, static_cast<std::int32_t>(*length));
}
LINUX_CALL(__NR_getsockopt, getsockopt, call_getsockopt);

}  // namespace

}  // namespace plumbline::linux_abi
