// Serving the network: one thread for each queue pair of the device, which receives bursts, runs
// the protocol stack and the application on them, and sends what comes out. Kernel only.
#pragma once

#include "core/units.hh"
#include "net/interface.hh"
#include "net/stream_server.hh"

namespace plumbline::net {

// What an application does with the network.
struct NetworkService {
  const char* name;
  // Binds the application's ports on the interface of one queue pair; called for all of them,
  // before any is served. Handlers of different queues run on different CPUs at the same time. May
  // be nullptr.
  void (*attach)(void* context, unsigned queue, Interface& interface);
  // Called on every queue's thread when time may have moved on: after a sleep, before it handles
  // what woke it, and every few hundred packets. May be nullptr.
  void (*tick)(void* context, Nanoseconds now);
  void* context;
  // Listens on TCP ports of one queue's stack, with handlers that run on the queue's thread. Called
  // after attach(). nullptr: without it there is no TCP.
  void (*attach_tcp)(void* context, unsigned queue, StreamServer& server) = nullptr;
};

// How many queue pairs will be served. 0: there is no network device.
unsigned queue_count();

// Serves for ever. Reads the options ip, gateway and net.*; a wrong one ends the guest with
// ExitCode::kBadOption and a message. Panics when there is no network device.
[[noreturn]] void serve_network(const NetworkService& service);

}  // namespace plumbline::net
