// Names of UNIX sockets: in the file system, and abstract (unix(7)).
#pragma once

#include <cstdint>
#include <span>

#include "core/reference.hh"
#include "core/result.hh"
#include "linux/sockets/socket_address.hh"

namespace plumbline {
class Vnode;
}

namespace plumbline::linux_abi {

class UnixEndpoint;

inline constexpr std::size_t kMostUnixName = 108;

struct UnixName : ReferenceCounted {
  // As getsockname gives it: with the family, and a path with its final zero.
  SocketAddress address;
  // The socket's node, or null for abstract names.
  Ref<Vnode> node;

  bool abstract() const { return !node; }
};

// Checks an address: a family and up to 108 bytes. kEINVAL.
Status check_unix_address(const SocketAddress& address);

// Binds an endpoint that has no name. kEINVAL: it has one; kEADDRINUSE, and what making the node
// may fail with.
Status bind_unix(UnixEndpoint& endpoint, const SocketAddress& address);
// Gives it an abstract name of five hexadecimal digits unless it has a name.
Status autobind_unix(UnixEndpoint& endpoint);
// The endpoint of this type with a name. kECONNREFUSED, kENOENT, kEPROTOTYPE and what path walks
// fail with.
Result<Ref<UnixEndpoint>> find_unix(const SocketAddress& address, int type);
// Takes the endpoint out of the table; the node stays in the file system.
void unbind_unix(UnixEndpoint& endpoint);

// The file system's part (unix_nodes.cc; hosted tests have a list).
// Makes a socket's node. kEADDRINUSE when there is something with that name.
Result<Ref<Vnode>> make_socket_node(const char* path);
// The node that a path leads to, which must be writable. kECONNREFUSED: it is no socket.
Result<Ref<Vnode>> find_socket_node(const char* path);

// For /proc/net/unix: calls `visit` for all bound endpoints.
void for_each_unix_name(void (*visit)(void* context, const UnixEndpoint& endpoint,
                                      const UnixName& name),
                        void* context);

}  // namespace plumbline::linux_abi
