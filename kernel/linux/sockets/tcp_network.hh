// What TCP sockets need of the network below them: one stack for each queue pair, held while it is
// used, and where addresses lie. The kernel's is net/program_network; hosted tests have a loopback.
#pragma once

#include "core/result.hh"
#include "net/tcp/stack.hh"
#include "net/wire/ip_address.hh"

#ifndef PLUMBLINE_HOSTED
#include "net/program_network.hh"
#endif

namespace plumbline::linux_abi {

// Starts the network at the first call. kENOMEM.
Status start_tcp();
// Stacks, at least one, from 0 on; and the one whose frames come to this CPU.
unsigned tcp_stack_count();
unsigned tcp_local_stack();

// Holds one stack: nobody else uses it or its connections meanwhile. The holder is masked and must
// not block. At the end what the connections want to send goes out.
#ifdef PLUMBLINE_HOSTED
class [[nodiscard]] TcpHold {
 public:
  explicit TcpHold(unsigned stack);
  ~TcpHold();
  TcpHold(const TcpHold&) = delete;
  TcpHold& operator=(const TcpHold&) = delete;

  net::tcp::Stack& stack() { return *stack_; }
  Nanoseconds now() const { return now_; }
  static bool visits() { return false; }
  static int move_here(net::tcp::Connection&) { return -1; }

 private:
  net::tcp::Stack* stack_;
  Nanoseconds now_;
};
#else
using TcpHold = net::StackHold;
#endif

// The address that packets to `to` come from. kENETUNREACH: no way; kEINVAL: `source` is a
// loopback's and `to` is not here.
Result<net::IpAddress> tcp_source(const net::IpAddress& to, const net::IpAddress& source);
// Whether a socket may be bound to it.
bool is_own_address(const net::IpAddress& address);

}  // namespace plumbline::linux_abi
