#include "net/stream_server.hh"

#include <new>

namespace plumbline::net {

namespace {

// Of each port: connections whose handshake is over are accepted after the burst, so this is what
// one burst may bring, and what bounds half-open ones.
constexpr uint32_t kBacklog = 1024;

}  // namespace

PacketBuffer* Stream::borrow_received() {
  PacketBuffer* const buffer = connection_->receive_queue().lend();
  if (buffer != nullptr) [[likely]]
    connection_->consumed(buffer->length, server().now());
  return buffer;
}

uint32_t Stream::read(std::span<std::byte> to) {
  return connection_->read(static_cast<uint32_t>(to.size()), server().now(),
                           [&](std::span<const std::byte> from) {
                             std::memcpy(to.data(), from.data(), from.size());
                             to = to.subspan(from.size());
                             return from.size();
                           });
}

uint32_t Stream::discard(uint32_t length) {
  const uint32_t gone = connection_->receive_queue().discard(length);
  if (gone != 0) connection_->consumed(gone, server().now());
  return gone;
}

void Stream::want_room() {
  // A send that finds nothing it could take.
  (void)connection_->send(1, false, server().now(), [](std::span<std::byte>) { return 0; });
}

void Stream::push(bool more) { connection_->push(more, server().now()); }
void Stream::shutdown_send() { connection_->shutdown_send(server().now()); }

void Stream::close() {
  StreamServer& server = this->server();
  tcp::Connection* const connection = connection_;
  server.end(*this);
  connection->close(server.now());
}

void Stream::abort() {
  StreamServer& server = this->server();
  tcp::Connection* const connection = connection_;
  server.end(*this);
  connection->abort(server.now());
}

StreamServer::StreamServer(tcp::Stack& stack, const tcp::MemorySource& memory,
                           uint32_t maximum_streams)
    : stack_(stack), streams_(memory, maximum_streams) {}

StreamServer::~StreamServer() {
  ASSERT(streams_.size() == 0);
  for (size_t i = 0; i < port_count_; ++i) {
    delete ports_[i].listener;
    delete[] ports_[i].queues;
  }
}

bool StreamServer::listen(uint16_t port, const StreamHandler& handler, Nanoseconds now) {
  if (port_count_ == kMaximumPorts) return false;
  StreamPort& made = ports_[port_count_];
  const size_t number = stack_.configuration().number;
  // Each stack has a listener of its own, so CPUs share nothing: it uses one of the queues.
  auto* const queues = new (std::nothrow) tcp::ListenerQueue[number + 1];
  if (queues == nullptr) return false;
  tcp::Listener::Configuration configuration;
  configuration.address = IpAddress::any_v6();
  configuration.port = port;
  configuration.owner = &made;
  configuration.ready = [](void* owner, tcp::Listener&, unsigned) {
    const auto& at = *static_cast<StreamPort*>(owner);
    at.server->accepting_ |= uint32_t{1} << (&at - at.server->ports_);
  };
  auto* const listener =
      new (std::nothrow) tcp::Listener(configuration, {queues, number + 1}, kBacklog);
  if (listener == nullptr || !stack_.listen(*listener)) {
    delete listener;
    delete[] queues;
    return false;
  }
  made = {this, handler, queues, listener};
  now_ = now;
  ++port_count_;
  return true;
}

void StreamServer::stop(Nanoseconds now) {
  for (size_t i = 0; i < port_count_; ++i) stack_.unlisten(*ports_[i].listener, now);
}

// In the middle of a segment: the handler comes after the burst.
void StreamServer::notify(tcp::Owner& owner, tcp::Connection&, uint32_t) {
  auto& stream = static_cast<Stream&>(owner);
  stream.server().add_ready(stream);
}

void StreamServer::add_ready(Stream& stream) {
  if (stream.is_ready_) return;
  stream.is_ready_ = true;
  stream.next_ready_ = nullptr;
  if (ready_ == nullptr)
    ready_ = &stream;
  else
    last_ready_->next_ready_ = &stream;
  last_ready_ = &stream;
}

void StreamServer::accept(StreamPort& port) {
  while (tcp::Connection* const connection = stack_.accept(*port.listener)) {
    Stream* const stream = streams_.make(port);
    if (stream == nullptr) {
      ++statistics_.no_memory;
      connection->abort(now_);
      continue;
    }
    ++statistics_.accepted;
    stream->notify = notify;
    stream->connection_ = connection;
    connection->set_owner(stream);
    handled_ = stream;
    if (port.handler.opened != nullptr) port.handler.opened(port.handler.context, *stream);
    // What came before there was an owner to be told.
    if (handled_ != nullptr &&
        (stream->readable() != 0 || connection->peer_closed() || stream->failed()))
      add_ready(*stream);
  }
}

void StreamServer::handle(Nanoseconds now) {
  now_ = now;
  while (accepting_ != 0) {
    const int port = __builtin_ctz(accepting_);
    accepting_ &= accepting_ - 1;
    accept(ports_[port]);
  }
  while (ready_ != nullptr) {
    Stream* const stream = ready_;
    ready_ = stream->next_ready_;
    stream->is_ready_ = false;
    handled_ = stream;
    const StreamHandler& handler = stream->port_->handler;
    handler.ready(handler.context, *stream);
  }
  handled_ = nullptr;
}

// The stream is forgotten; its connection goes on by itself.
void StreamServer::end(Stream& stream) {
  if (stream.is_ready_) {
    // Of another stream's handler, or of its own that has made an event: rare.
    Stream** at = &ready_;
    Stream* before = nullptr;
    while (*at != &stream) {
      before = *at;
      at = &before->next_ready_;
    }
    *at = stream.next_ready_;
    if (last_ready_ == &stream) last_ready_ = before;
  }
  stream.connection_->set_owner(nullptr);
  if (handled_ == &stream) handled_ = nullptr;
  streams_.destroy(&stream);
}

}  // namespace plumbline::net
