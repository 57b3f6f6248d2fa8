// run=tcp_peer: echo, discard and character generator over TCP, one of each on every queue.
#include <new>

#include "apps/tcp_peer/peer.hh"
#include "core/init_calls.hh"
#include "core/panic.hh"
#include "net/receive_loop.hh"

namespace plumbline::tcp_peer {
namespace {

void attach_tcp(void*, unsigned queue, net::StreamServer& server) {
  auto* const peer = new (std::nothrow) Peer(*server.stack().configuration().queues);
  if (peer == nullptr || !peer->attach(server, server.now()))
    panic("tcp_peer: no memory for queue %u", queue);
}

void tcp_peer_main() {
  net::serve_network({.name = "tcp_peer",
                      .attach = nullptr,
                      .tick = nullptr,
                      .context = nullptr,
                      .attach_tcp = attach_tcp});
}
APPLICATION("tcp_peer", tcp_peer_main);

}  // namespace
}  // namespace plumbline::tcp_peer
