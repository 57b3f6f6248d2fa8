#include "linux/sockets/unix_socket.hh"

#include <new>

namespace plumbline::linux_abi {

namespace {

void set_name(SocketAddress& address, const UnixName* name) {
  if (name != nullptr) {
    address = name->address;
    return;
  }
  store_unaligned(address.bytes, std::uint16_t{kFamilyUnix});
  address.length = sizeof(std::uint16_t);
}

}  // namespace

Result<Ref<UnixSocket>> UnixSocket::create(int type, std::uint32_t flags) {
  auto endpoint = Ref<UnixEndpoint>::adopt(new (std::nothrow) UnixEndpoint(type));
  if (!endpoint) return Errno::kENOMEM;
  auto socket = Ref<UnixSocket>::adopt(new (std::nothrow) UnixSocket(type, flags, endpoint));
  if (!socket) return Errno::kENOMEM;
  return socket;
}

Status UnixSocket::bind(const SocketAddress& address) { return bind_unix(*endpoint_, address); }

Status UnixSocket::connect(const SocketAddress& address) {
  if (address.length < sizeof(std::uint16_t)) return Errno::kEINVAL;
  if (type() == kDatagram && address.family() == kFamilyUnspecified) {
    endpoint_->set_peer({});
    return {};
  }
  auto found = find_unix(address, type());
  if (pass_credentials_) {
    if (const Status named = autobind_unix(*endpoint_); !named) return named;
  }
  if (!found) return found.error();
  UnixEndpoint& other = **found;
  if (type() == kDatagram) {
    if (!other.takes_from(*endpoint_)) return Errno::kEPERM;
    endpoint_->set_peer(std::move(*found));
    return {};
  }
  auto accepted = Ref<UnixEndpoint>::adopt(new (std::nothrow) UnixEndpoint(type()));
  if (!accepted) return Errno::kENOMEM;
  if (UnixName* name = other.name.load(std::memory_order_acquire)) {
    name->retain();
    accepted->name.store(name, std::memory_order_release);
  }
  const Ref<UnixEndpoint> kept = accepted;
  return endpoint_->connect_stream(other, std::move(accepted), patience(0, send_deadline()),
                                   current_credentials());
}

Status UnixSocket::listen(int backlog) {
  if (type() == kDatagram) return Errno::kEOPNOTSUPP;
  if (endpoint_->name.load(std::memory_order_acquire) == nullptr) return Errno::kEINVAL;
  return endpoint_->listen(backlog, current_credentials());
}

Result<Ref<Socket>> UnixSocket::accept(std::uint32_t flags, SocketAddress* peer) {
  if (type() == kDatagram) return Errno::kEOPNOTSUPP;
  auto endpoint = endpoint_->accept(patience(0, receive_deadline()));
  if (!endpoint) return endpoint.error();
  UnixEndpoint& connection = **endpoint;
  auto socket =
      Ref<UnixSocket>::adopt(new (std::nothrow) UnixSocket(type(), flags, std::move(*endpoint)));
  if (!socket) {
    connection.close();
    return Errno::kENOMEM;
  }
  socket->pass_credentials_ = pass_credentials_;
  if (peer != nullptr) {
    const Ref<UnixEndpoint> other = connection.peer();
    set_name(*peer, other ? other->name.load(std::memory_order_acquire) : nullptr);
  }
  return Ref<Socket>(std::move(socket));
}

Status UnixSocket::local_name(SocketAddress& address) {
  set_name(address, endpoint_->name.load(std::memory_order_acquire));
  return {};
}

Status UnixSocket::peer_name(SocketAddress& address) {
  const Ref<UnixEndpoint> other = endpoint_->peer();
  if (!other) return Errno::kENOTCONN;
  set_name(address, other->name.load(std::memory_order_acquire));
  return {};
}

Status UnixSocket::shutdown(std::uint8_t bits) { return endpoint_->shutdown(bits); }

Result<std::size_t> UnixSocket::send(IoCursor& from, const SendRequest& request) {
  const Patience how = patience(request.flags, send_deadline());
  if (type() == kStream) return endpoint_->send_stream(from, request, how);
  if (pass_credentials_) {
    if (const Status named = autobind_unix(*endpoint_); !named) return named.error();
  }
  // A sequenced packet goes to the peer, whatever address is given.
  if (type() == kSequencedPacket || request.to == nullptr)
    return endpoint_->send_datagram(from, request, how, nullptr);
  const auto found = find_unix(*request.to, type());
  if (!found) return found.error();
  return endpoint_->send_datagram(from, request, how, found->get());
}

Result<std::size_t> UnixSocket::receive(IoCursor& to, ReceiveRequest& request) {
  if (request.from != nullptr) request.from->length = 0;
  if ((request.flags & kMessageErrorQueue) != 0) return Errno::kEAGAIN;
  const Patience how = patience(request.flags, receive_deadline());
  return type() == kStream ? endpoint_->receive_stream(to, request, how, pass_credentials_)
                           : endpoint_->receive_datagram(to, request, how, pass_credentials_);
}

Result<int> UnixSocket::get_own_option(int level, int name, std::uint64_t value, int length) {
  constexpr int kPeekOffset = 42;
  if (level == kLevelSocket && name == kPeekOffset) return store_option(value, length, -1);
  return level == kLevelSocket ? Errno::kENOPROTOOPT : Errno::kEOPNOTSUPP;
}

ProcessCredentials UnixSocket::peer_credentials() const {
  const auto state = endpoint_->state.load(std::memory_order_acquire);
  if (state == UnixEndpoint::State::kListening) return endpoint_->listener_credentials;
  if (state == UnixEndpoint::State::kConnected) return endpoint_->peer_credentials;
  return {};
}

Errno UnixSocket::take_error() { return endpoint_->take_error(); }

Result<long> UnixSocket::readable_bytes() {
  if (accepting()) return Errno::kEINVAL;
  return static_cast<long>(endpoint_->readable_bytes());
}

Result<long> UnixSocket::unsent_bytes() {
  return static_cast<long>(endpoint_->charged.load(std::memory_order_relaxed));
}

}  // namespace plumbline::linux_abi
