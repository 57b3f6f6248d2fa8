// Local names of TCP sockets: which of them may share a port (bind(2)).
//
// A table of chains by port, each under a spinlock. Linux, net/ipv4/inet_connection_sock.c, has the
// rules: two names that overlap go together when both sockets allow reuse of addresses and neither
// listens, or both allow reuse of the port and belong to one user.
#pragma once

#include <cstdint>

#include "core/intrusive_list.hh"
#include "core/result.hh"
#include "net/wire/ip_address.hh"

namespace plumbline::linux_abi {

// The part of a socket that the table sees. Its members but `hook` are the owner's until it is
// entered, and changed by the functions below afterwards.
struct TcpName {
  net::IpAddress address = net::IpAddress::any_v4();
  std::uint16_t port = 0;
  bool v6_only = false;
  bool reuse_address = false;
  bool reuse_port = false;
  bool listening = false;
  bool entered = false;
  std::uint32_t user = 0;
  ListHook hook;
};

// Enters a name. Port 0: one of those for nobody in particular (32768 to 60999, as on Linux) is
// chosen. kEADDRINUSE.
Status enter_tcp_name(TcpName& name);
// The same beside the listener that has it, for a connection it accepted.
void enter_accepted_tcp_name(TcpName& name);
// Says that the socket listens. kEADDRINUSE: one of those that share the port listens already.
Status listen_on_tcp_name(TcpName& name);
// What SO_REUSEADDR and SO_REUSEPORT say now; who comes later is compared with that.
void change_tcp_name(TcpName& name, bool reuse_address, bool reuse_port);
// Takes it out; nothing if it is not in.
void leave_tcp_name(TcpName& name);

}  // namespace plumbline::linux_abi
