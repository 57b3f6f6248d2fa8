// TCP sockets: listening and accepting.
#include <algorithm>
#include <new>
#include <utility>

#include "linux/sockets/tcp_socket.hh"
#include "linux/sockets/udp_network.hh"
#include "sync/interruptible_wait.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {

namespace {

constexpr std::uint32_t kMostBacklog = 4096;  // net.core.somaxconn

}  // namespace

void TcpSocket::prepare(void* owner, net::tcp::Connection& connection) {
  static_cast<const TcpSocket*>(owner)->configure(connection, {});
}

// With a stack held; the socket is there until unlisten() has returned on every stack.
void TcpSocket::ready_to_accept(void* owner, net::tcp::Listener&, unsigned) {
  auto& socket = *static_cast<TcpSocket*>(owner);
  // One connection, one thread: others would find nothing.
  socket.readers_.wake_one();
  socket.source_.notify(kPollIn | kPollReadNormal);
}

Status TcpSocket::listen(int backlog) {
  // As on Linux, less than nothing is as much as can be.
  const std::uint32_t room = std::min(static_cast<std::uint32_t>(backlog), kMostBacklog);
  const LockGuard one_at_a_time(changing_);
  if (phase() == Phase::kListening) {
    listener_->set_backlog(room);
    return {};
  }
  if (phase() != Phase::kIdle) return Errno::kEINVAL;
  if (!name_.entered) {
    const auto any =
        family() == kFamilyInternet6 ? net::IpAddress::any_v6() : net::IpAddress::any_v4();
    if (const Status named = bind_name({any, 0}); !named) return named;
  }
  const unsigned stacks = tcp_stack_count();
  listener_queues_.reset(new (std::nothrow) net::tcp::ListenerQueue[stacks]);
  if (!listener_queues_) return Errno::kENOBUFS;
  net::tcp::Listener::Configuration configuration;
  configuration.address = name_.address;
  configuration.port = name_.port;
  configuration.v6_only = name_.v6_only;
  configuration.reuse_port = name_.reuse_port;
  configuration.receive_buffer = options_.receive_buffer_set ? receive_buffer_ : 0;
  configuration.maximum_segment = options_.maximum_segment;
  configuration.traffic_class = options_.traffic_class;
  configuration.hop_limit = options_.hop_limit;
  configuration.prepare = prepare;
  configuration.ready = ready_to_accept;
  configuration.owner = this;
  listener_.reset(new (std::nothrow)
                      net::tcp::Listener(configuration, {listener_queues_.get(), stacks}, room));
  if (!listener_) return Errno::kENOBUFS;
  if (const Status alone = listen_on_tcp_name(name_); !alone) return alone;
  for (unsigned i = 0; i < stacks; ++i) {
    Status listening;
    Nanoseconds now;
    {
      TcpHold hold(i);
      now = hold.now();
      listening = hold.stack().listen(*listener_);
    }
    if (listening) continue;
    while (i-- > 0) {
      TcpHold hold(i);
      hold.stack().unlisten(*listener_, now);
    }
    name_.listening = false;
    return listening;
  }
  phase_.store(Phase::kListening, std::memory_order_release);
  return {};
}

// Those who wait to accept find out; with changing_ held, or by the last reference's owner.
Status TcpSocket::stop_listening() {
  if (phase() != Phase::kListening) return Errno::kENOTCONN;
  for (unsigned i = 0; i < tcp_stack_count(); ++i) {
    TcpHold hold(i);
    hold.stack().unlisten(*listener_, hold.now());
  }
  phase_.store(Phase::kIdle, std::memory_order_release);
  leave_tcp_name(name_);
  readers_.wake_all();
  source_.notify(kPollIn | kPollReadNormal | kPollHangup);
  return {};
}

net::tcp::Connection* TcpSocket::take_accepted(unsigned& stack) {
  for (;;) {
    const int next = listener_->next_ready(tcp_local_stack());
    if (next < 0) return nullptr;
    stack = static_cast<unsigned>(next);
    TcpHold hold(stack);
    // Another thread may have been quicker.
    if (net::tcp::Connection* const connection = hold.stack().accept(*listener_)) return connection;
  }
}

Result<Ref<Socket>> TcpSocket::accept(std::uint32_t flags, SocketAddress* peer) {
  auto socket = Ref<TcpSocket>::adopt(new (std::nothrow) TcpSocket(family(), flags));
  if (!socket) return Errno::kENOMEM;
  const Deadline deadline = receive_deadline();
  for (;;) {
    if (phase() != Phase::kListening) return Errno::kEINVAL;
    unsigned stack = 0;
    if (net::tcp::Connection* const connection = take_accepted(stack)) {
      socket->inherit(*this);
      socket->options_ = options_;
      TcpHold hold(stack);
      socket->adopt(stack, *connection, Phase::kConnected);
      const net::tcp::FlowKey& key = connection->key;
      TcpName& name = socket->name_;
      name = {};
      name.address = key.local;
      name.port = key.local_port;
      name.reuse_address = reuse_address_;
      name.reuse_port = reuse_port_;
      name.user = name_.user;
      // What came before there was an owner to be told.
      std::uint32_t events = net::tcp::Event::kConnected | net::tcp::Event::kReadable;
      if (connection->error() != Errno::kNone) events |= net::tcp::Event::kFailed;
      socket->told(*connection, events);
      if (peer != nullptr) store_endpoint(*peer, {key.remote, key.remote_port, key.zone}, family());
      break;
    }
    if (receive_from_device()) continue;
    if (!waits(0)) return Errno::kEAGAIN;
    const Status waited = wait_interruptibly(
        readers_, [&] { return phase() != Phase::kListening || listener_->ready(); }, deadline);
    if (waited) continue;
    if (waited.error() == Errno::kETIMEDOUT) return Errno::kEAGAIN;
    return deadline.is_never() ? waited.error() : Errno::kEINTR;
  }
  enter_accepted_tcp_name(socket->name_);
  return Ref<Socket>(std::move(socket));
}

}  // namespace plumbline::linux_abi
