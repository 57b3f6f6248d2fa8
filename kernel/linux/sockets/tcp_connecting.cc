// TCP sockets: connecting.
#include "linux/sockets/tcp_socket.hh"
#include "linux/sockets/udp_network.hh"
#include "sync/interruptible_wait.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {

// A new connection, with its SYN on the way. With changing_ held.
Status TcpSocket::open(const InternetEndpoint& remote) {
  const net::IpAddress bound = address_chosen_ ? name_.address : net::IpAddress::any_v4();
  const auto source = tcp_source(remote.address, bound);
  if (!source) return source.error();
  net::tcp::FlowKey key;
  key.local = address_chosen_ ? name_.address : *source;
  key.remote = remote.address;
  key.local_port = name_.entered ? name_.port : std::uint16_t{0};
  key.remote_port = remote.port;
  key.zone = remote.scope;
  if (connection_ != nullptr) drop_connection(false);
  // Where answers to a port that was chosen by the program are looked for, whatever queue they come
  // to.
  const unsigned stack =
      key.local_port == 0 ? tcp_local_stack() : key.local_port % tcp_stack_count();
  TcpHold hold(stack);
  const auto opening = hold.stack().open(key, hold.now());
  if (!opening) return opening.error();
  error_.store(0, std::memory_order_relaxed);
  shut_.store(0, std::memory_order_relaxed);
  ready_.store(0, std::memory_order_relaxed);
  adopt(stack, *opening->connection, Phase::kConnecting);
  configure(*opening->connection, hold.now());
  opening->connection->connect(opening->initial, opening->timestamp_offset, hold.now());
  return {};
}

// The end of a connection attempt, once kOpened is set.
Status TcpSocket::connection_outcome() {
  const LockGuard one_at_a_time(changing_);
  if (phase() == Phase::kConnected) return {};
  if (phase() != Phase::kConnecting) return Errno::kECONNABORTED;
  bool open = false;
  with_connection([&](net::tcp::Connection& connection, Nanoseconds) {
    open = connection.error() == Errno::kNone && connection.state() != net::tcp::State::kClosed;
  });
  if (open) {
    phase_.store(Phase::kConnected, std::memory_order_release);
    return {};
  }
  const Errno error = take_error();
  drop_connection(false);
  phase_.store(Phase::kIdle, std::memory_order_release);
  return error == Errno::kNone ? Errno::kECONNABORTED : error;
}

Status TcpSocket::wait_until_connected(Deadline deadline) {
  const Status waited = wait_for(kOpened, writers_, nonblocking() ? kMessageDontWait : 0, deadline);
  if (waited) return connection_outcome();
  return waited.error() == Errno::kEAGAIN ? Errno::kEINPROGRESS : waited.error();
}

Status TcpSocket::connect(const SocketAddress& address) {
  if (address.length < sizeof(std::uint16_t)) return Errno::kEINVAL;
  if (address.family() == kFamilyUnspecified) {
    const LockGuard one_at_a_time(changing_);
    if (phase() == Phase::kListening) return stop_listening();
    if (connection_ != nullptr) drop_connection(true);
    phase_.store(Phase::kIdle, std::memory_order_release);
    if (!port_chosen_) leave_tcp_name(name_);
    return {};
  }
  Result<InternetEndpoint> remote = load_endpoint(address, family());
  if (!remote) return remote.error();
  if (family() == kFamilyInternet6 && remote->address.is_v4() && options_.v6_only)
    return Errno::kENETUNREACH;
  if (remote->address.is_unspecified()) {
    remote->address = remote->address.is_v4() ? net::IpAddress::of(kLoopbackAddress)
                                              : net::IpAddress::of_v6(0, 1);
  }
  const Deadline deadline = send_deadline();
  bool started = false;
  {
    const LockGuard one_at_a_time(changing_);
    switch (phase()) {
      case Phase::kListening:
      case Phase::kConnected:
        return Errno::kEISCONN;
      case Phase::kConnecting:
        break;
      case Phase::kIdle:
        if (remote->address.is_multicast()) return Errno::kENETUNREACH;
        if (const Status opened = open(*remote); !opened) return opened;
        started = true;
    }
  }
  // However quickly it went, over the loopback: the outcome is another call's.
  if (nonblocking() && started) return Errno::kEINPROGRESS;
  if (nonblocking() && (ready_.load(std::memory_order_acquire) & kOpened) == 0)
    return Errno::kEALREADY;
  return wait_until_connected(deadline);
}

}  // namespace plumbline::linux_abi
