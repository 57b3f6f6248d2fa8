// TCP sockets: beginning and end, names, readiness.
#include "linux/sockets/tcp_socket.hh"

#include <new>
#include <utility>

#include "sync/interruptible_wait.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {

namespace {

constexpr std::uint16_t kFirstUnprivilegedPort = 1024;
constexpr PollEvents kReadable = kPollIn | kPollReadNormal;
constexpr PollEvents kWritable = kPollOut | kPollWriteNormal;

}  // namespace

TcpSocket::TcpSocket(int family, std::uint32_t flags) : Socket(family, kStream, 6, flags) {
  owner_.notify = notify;
  owner_.socket = this;
  if (family == kFamilyInternet6) {
    name_.address = net::IpAddress::any_v6();
    remote_.address = net::IpAddress::any_v6();
  }
}

Result<Ref<TcpSocket>> TcpSocket::create(int family, std::uint32_t flags) {
  if (const Status started = start_tcp(); !started) return started.error();
  auto socket = Ref<TcpSocket>::adopt(new (std::nothrow) TcpSocket(family, flags));
  if (!socket) return Errno::kENOMEM;
  return socket;
}

TcpSocket::~TcpSocket() {
  if (phase() == Phase::kListening) (void)stop_listening();
  if (connection_ != nullptr) {
    wait_while_lingering();
    // SO_LINGER with no time: what is queued is thrown away and the peer told (socket(7)).
    drop_connection(linger_on_ != 0 && linger_seconds_ == 0);
  }
  leave_tcp_name(name_);
}

void TcpSocket::wait_while_lingering() {
  if (linger_on_ == 0 || linger_seconds_ <= 0) return;
  bool drained = true;
  with_connection([&](net::tcp::Connection& connection, Nanoseconds now) {
    connection.shutdown_send(now);
    drained = connection.drained() || connection.error() != Errno::kNone;
    clear_ready(kMayWrite);
  });
  const Deadline deadline = Deadline::after(seconds(static_cast<std::uint64_t>(linger_seconds_)));
  while (!drained && !deadline.passed()) {
    if (!wait_for(kMayWrite, writers_, 0, deadline)) return;
    with_connection([&](net::tcp::Connection& connection, Nanoseconds) {
      drained = connection.drained() || connection.error() != Errno::kNone;
      if (!drained) clear_ready(kMayWrite);
    });
  }
}

// Afterwards the stack knows nothing of this socket.
void TcpSocket::drop_connection(bool abort) {
  for (;;) {
    const unsigned stack = stack_.load(std::memory_order_relaxed);
    TcpHold hold(stack);
    if (stack != stack_.load(std::memory_order_relaxed)) continue;
    net::tcp::Connection* const connection = std::exchange(connection_, nullptr);
    clear_ready(kPlain);
    if (connection == nullptr) return;
    if (abort)
      connection->abort(hold.now());
    else
      connection->close(hold.now());
    return;
  }
}

// A connection that is used on another CPU than its stack's goes to that CPU's, when it is at rest.
// Not at the first use: a listener's thread may only hand it on.
void TcpSocket::follow_reader(TcpHold& hold) {
  constexpr std::uint8_t kVisits = 8;
  if (connection_ == nullptr || ++visits_ < kVisits) return;
  const int stack = hold.move_here(*connection_);
  if (stack < 0) {
    --visits_;
    return;
  }
  visits_ = 0;
  stack_.store(static_cast<unsigned>(stack), std::memory_order_relaxed);
}

void TcpSocket::notify(net::tcp::Owner& owner, net::tcp::Connection& connection,
                       std::uint32_t events) {
  static_cast<TcpOwner&>(owner).socket->told(connection, events);
}

void TcpSocket::told(net::tcp::Connection& connection, std::uint32_t events) {
  using namespace net::tcp;
  PollEvents changed = 0;
  std::uint32_t ready = 0;
  constexpr std::uint32_t kEnds = Event::kFailed | Event::kClosed;
  if ((events & (Event::kReadable | Event::kPeerClosed | kEnds)) != 0) {
    ready |= kMayRead;
    changed |= kReadable;
  }
  if ((events & (Event::kWritable | Event::kConnected | Event::kDrained | kEnds)) != 0) {
    ready |= kMayWrite;
    changed |= kWritable;
  }
  if ((events & Event::kPeerClosed) != 0) changed |= kPollReadHangup;
  if ((events & (Event::kConnected | kEnds)) != 0) ready |= kOpened;
  if ((events & Event::kFailed) != 0) {
    error_.store(static_cast<std::int32_t>(connection.error()), std::memory_order_relaxed);
    changed |= kPollError;
  }
  if ((events & kEnds) != 0) changed |= kPollHangup | kPollReadHangup;
  if (ready == 0) return;
  if ((events & (Event::kPeerClosed | kEnds)) != 0) clear_ready(kPlain);
  set_ready(ready);
  if ((ready & kMayRead) != 0) readers_.wake_all();
  if ((ready & (kMayWrite | kOpened)) != 0) writers_.wake_all();
  source_.notify(changed);
}

void TcpSocket::adopt(unsigned stack, net::tcp::Connection& connection, Phase phase) {
  stack_.store(stack, std::memory_order_relaxed);
  connection_ = &connection;
  connection.set_owner(&owner_);
  phase_.store(phase, std::memory_order_release);
}

Status TcpSocket::wait_for(std::uint32_t bits, WaitQueue& queue, std::uint32_t flags,
                           Deadline deadline) {
  const auto ready = [&] { return (ready_.load(std::memory_order_acquire) & bits) != 0; };
  if (ready()) return {};
  if ((flags & kMessageDontWait) != 0) return Errno::kEAGAIN;
  const Status waited = wait_interruptibly(queue, ready, deadline);
  if (waited) return {};
  if (waited.error() == Errno::kETIMEDOUT) return Errno::kEAGAIN;
  // With a time-out the call is not made again (Linux, include/net/sock.h, sock_intr_errno).
  return deadline.is_never() ? waited.error() : Errno::kEINTR;
}

Status TcpSocket::bind_name(const InternetEndpoint& local) {
  name_.address = local.address;
  name_.port = local.port;
  name_.v6_only = options_.v6_only;
  name_.reuse_address = reuse_address_;
  name_.reuse_port = reuse_port_;
  name_.user = current_credentials().user;
  return enter_tcp_name(name_);
}

Status TcpSocket::bind(const SocketAddress& address) {
  Result<InternetEndpoint> local = load_endpoint(address, family());
  if (!local) {
    // AF_UNSPEC was taken for "any address" once (Linux, net/ipv4/af_inet.c).
    if (local.error() != Errno::kEAFNOSUPPORT || family() != kFamilyInternet ||
        address.family() != kFamilyUnspecified ||
        load_unaligned<std::uint32_t>(address.bytes + 4) != 0)
      return local.error();
    local = InternetEndpoint{net::IpAddress::any_v4(), load_be16(address.bytes + 2)};
  }
  if (options_.v6_only && family() == kFamilyInternet6 && local->address.is_v4())
    return Errno::kEINVAL;
  if (!local->address.is_unspecified() && !options_.free_bind && !is_own_address(local->address))
    return Errno::kEADDRNOTAVAIL;
  if (local->port != 0 && local->port < kFirstUnprivilegedPort && current_credentials().user != 0)
    return Errno::kEACCES;
  const LockGuard one_at_a_time(changing_);
  if (name_.entered || phase() != Phase::kIdle) return Errno::kEINVAL;
  if (const Status entered = bind_name(*local); !entered) return entered;
  address_chosen_ = !local->address.is_unspecified();
  port_chosen_ = local->port != 0;
  return {};
}

Status TcpSocket::local_name(SocketAddress& address) {
  const LockGuard one_at_a_time(changing_);
  InternetEndpoint local{name_.address, name_.port};
  with_connection([&](net::tcp::Connection& connection, Nanoseconds) {
    local = {connection.key.local, connection.key.local_port, connection.key.zone};
  });
  store_endpoint(address, local, family());
  return {};
}

Status TcpSocket::peer_name(SocketAddress& address) {
  bool open = false;
  with_connection([&](net::tcp::Connection& connection, Nanoseconds) {
    const auto state = connection.state();
    open = state != net::tcp::State::kClosed && state != net::tcp::State::kSynSent;
    store_endpoint(address,
                   {connection.key.remote, connection.key.remote_port, connection.key.zone},
                   family());
  });
  return open ? Status() : Errno::kENOTCONN;
}

Status TcpSocket::shutdown(std::uint8_t bits) {
  switch (phase()) {
    case Phase::kIdle:
      return Errno::kENOTCONN;
    case Phase::kListening: {
      // Only the receiving side is one (Linux, net/ipv4/af_inet.c, inet_shutdown).
      if ((bits & kShutReceive) == 0) return {};
      const LockGuard one_at_a_time(changing_);
      return stop_listening();
    }
    case Phase::kConnecting: {
      const LockGuard one_at_a_time(changing_);
      // The handshake may be over without anybody having asked; then it is a connection as any.
      bool opening = false;
      with_connection([&](net::tcp::Connection& connection, Nanoseconds) {
        opening = connection.state() == net::tcp::State::kSynSent ||
                  connection.state() == net::tcp::State::kSynReceived;
      });
      if (phase() == Phase::kConnecting && opening) {
        drop_connection(true);
        phase_.store(Phase::kIdle, std::memory_order_release);
        return {};
      }
      break;
    }
    case Phase::kConnected:
      break;
  }
  bool open = false;
  with_connection([&](net::tcp::Connection& connection, Nanoseconds now) {
    open = connection.state() != net::tcp::State::kClosed &&
           connection.state() != net::tcp::State::kTimeWait;
    if (!open) return;
    shut_.fetch_or(bits, std::memory_order_relaxed);
    if ((bits & kShutSend) != 0) connection.shutdown_send(now);
    clear_ready(kPlain);
    set_ready(kMayRead | kMayWrite);
  });
  if (!open) return Errno::kENOTCONN;
  readers_.wake_all();
  writers_.wake_all();
  source_.notify(kReadable | kWritable | kPollReadHangup | kPollHangup);
  return {};
}

// As Linux, net/ipv4/tcp.c, tcp_poll.
PollEvents TcpSocket::poll() {
  const std::uint32_t ready = ready_.load(std::memory_order_acquire);
  if ((ready & kPlain) != 0) [[likely]]
    return kWritable | ((ready & kMayRead) != 0 ? kReadable : 0);
  if (phase() == Phase::kListening) return listener_->ready() ? kReadable : 0;
  return poll_connection();
}

PollEvents TcpSocket::poll_connection() {
  PollEvents events = error_.load(std::memory_order_relaxed) != 0 ? kPollError : 0;
  const bool there = with_connection([&](net::tcp::Connection& connection, Nanoseconds) {
    using net::tcp::State;
    // Not before: what is decided here must not be older than a shutdown(), which wakes nobody
    // twice.
    const std::uint8_t shut = shut_.load(std::memory_order_relaxed);
    const State state = connection.state();
    if (state == State::kSynSent || state == State::kSynReceived) return;
    const bool over = state == State::kClosed || state == State::kTimeWait;
    const bool no_more = connection.peer_closed() || over || (shut & kShutReceive) != 0;
    const bool sends = connection.may_send();
    if (over || (no_more && !sends)) events |= kPollHangup;
    if (no_more) events |= kReadable | kPollReadHangup;
    if (connection.readable() != 0) events |= kReadable;
    if (!sends || connection.writable()) events |= kWritable;
    if ((events & ~kReadable) == kWritable && sends && !no_more) {
      if ((events & kReadable) == 0) clear_ready(kMayRead);
      set_ready((events & kReadable) != 0 ? kPlain | kMayRead : kPlain);
    }
  });
  if (!there) events |= kPollHangup | kWritable;
  return events;
}

Errno TcpSocket::take_error() {
  if (error_.load(std::memory_order_relaxed) == 0) return Errno::kNone;
  return static_cast<Errno>(error_.exchange(0, std::memory_order_acq_rel));
}

Result<long> TcpSocket::readable_bytes() {
  if (phase() == Phase::kListening) return Errno::kEINVAL;
  long bytes = 0;
  with_connection(
      [&](net::tcp::Connection& connection, Nanoseconds) { bytes = connection.readable(); });
  return bytes;
}

Result<long> TcpSocket::unsent_bytes() {
  if (phase() == Phase::kListening) return Errno::kEINVAL;
  long bytes = 0;
  with_connection([&](net::tcp::Connection& connection, Nanoseconds) {
    bytes = static_cast<long>(connection.in_flight()) + connection.unsent();
  });
  return bytes;
}

}  // namespace plumbline::linux_abi
