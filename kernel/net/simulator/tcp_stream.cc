#include "net/simulator/tcp_stream.hh"

#include <algorithm>

#include "net/simulator/host.hh"

namespace plumbline::net::simulator {

TcpStream::TcpStream(Host& host, tcp::Connection& connection, uint16_t client_port,
                     const StreamOptions& options)
    : host_(host), connection_(&connection), client_port_(client_port) {
  tcp::Owner::notify = TcpStream::notify;
  connection.set_owner(this);
  set(options);
}

void TcpStream::set(const StreamOptions& options) {
  const Nanoseconds now = host_.queue().now();
  if (options.no_delay) connection_->set_no_delay(true, now);
  if (options.keepalive)
    connection_->set_keepalive({.on = true, .idle_seconds = 10, .interval_seconds = 2, .probes = 8},
                               now);
  if (connection_->state() != tcp::State::kClosed ||
      host_.options().congestion != tcp::CongestionAlgorithm::kCubic)
    connection_->set_congestion_control(host_.options().congestion);
}

// In the middle of the stack's work: the application runs afterwards, as a thread that was woken.
void TcpStream::notify(tcp::Owner& owner, tcp::Connection&, uint32_t) {
  auto& self = static_cast<TcpStream&>(owner);
  if (self.wake_queued_ || !self.wake) return;
  self.wake_queued_ = true;
  self.host_.queue().after(microseconds(2), [&self] {
    self.wake_queued_ = false;
    if (self.connection_ != nullptr && self.wake) self.wake();
  });
}

ByteStream::Condition TcpStream::condition() const {
  switch (connection_->state()) {
    case tcp::State::kSynSent:
    case tcp::State::kSynReceived:
      return Condition::kConnecting;
    default:
      // An error leaves what can still be read.
      return connection_->error() != Errno::kNone && connection_->readable() == 0
                 ? Condition::kFailed
                 : Condition::kOpen;
  }
}

int TcpStream::error() const { return static_cast<int>(connection_->error()); }

size_t TcpStream::write(std::span<const std::byte> bytes) {
  if (!connection_->may_send()) return 0;
  size_t at = 0;
  const uint32_t taken = connection_->send(
      static_cast<uint32_t>(bytes.size()), false, host_.queue().now(),
      [&](std::span<std::byte> to) {
        const size_t length = std::min(to.size(), bytes.size() - at);
        std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(at), length, to.begin());
        at += length;
        // The judge has to know of the bytes before they leave.
        host_.judge().written(host_.side(), client_port_, written_ + at);
        return length;
      });
  written_ += taken;
  host_.settle();
  return taken;
}

size_t TcpStream::read(std::span<std::byte> to) {
  size_t at = 0;
  const uint32_t taken = connection_->read(
      static_cast<uint32_t>(to.size()), host_.queue().now(), [&](std::span<const std::byte> from) {
        std::copy_n(from.begin(), from.size(), to.begin() + static_cast<ptrdiff_t>(at));
        at += from.size();
        return from.size();
      });
  host_.settle();
  return taken;
}

bool TcpStream::at_end() const {
  return connection_->peer_closed() && connection_->readable() == 0;
}

void TcpStream::finish() {
  connection_->shutdown_send(host_.queue().now());
  host_.settle();
}

void TcpStream::close() {
  tcp::Connection* const connection = connection_;
  leave();
  connection->close(host_.queue().now());
  host_.settle();
}

void TcpStream::abort() {
  tcp::Connection* const connection = connection_;
  leave();
  connection->abort(host_.queue().now());
  host_.settle();
}

void TcpStream::leave() { connection_ = nullptr; }

}  // namespace plumbline::net::simulator
