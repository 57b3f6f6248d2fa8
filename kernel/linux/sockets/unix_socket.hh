// AF_UNIX sockets (unix(7)).
#pragma once

#include "linux/sockets/socket.hh"
#include "linux/sockets/unix_endpoint.hh"

namespace plumbline::linux_abi {

class UnixSocket final : public Socket {
 public:
  UnixSocket(int type, std::uint32_t flags, Ref<UnixEndpoint> endpoint)
      : Socket(kFamilyUnix, type, 0, flags), endpoint_(std::move(endpoint)) {}
  ~UnixSocket() override { endpoint_->close(); }

  // kENOMEM.
  static Result<Ref<UnixSocket>> create(int type, std::uint32_t flags);

  UnixEndpoint& endpoint() { return *endpoint_; }

  Status bind(const SocketAddress& address) override;
  Status connect(const SocketAddress& address) override;
  Status listen(int backlog) override;
  Result<Ref<Socket>> accept(std::uint32_t flags, SocketAddress* peer) override;
  Status local_name(SocketAddress& address) override;
  Status peer_name(SocketAddress& address) override;
  Status shutdown(std::uint8_t bits) override;
  Result<std::size_t> send(IoCursor& from, const SendRequest& request) override;
  Result<std::size_t> receive(IoCursor& to, ReceiveRequest& request) override;
  PollEvents poll() override { return endpoint_->poll(); }
  PollSource* poll_source() override { return &endpoint_->source; }

 protected:
  Result<int> get_own_option(int level, int name, std::uint64_t value, int length) override;
  void buffers_changed(Buffer) override { endpoint_->set_send_limit(send_buffer_); }
  bool accepting() const override {
    return endpoint_->state.load(std::memory_order_relaxed) == UnixEndpoint::State::kListening;
  }
  ProcessCredentials peer_credentials() const override;
  Errno take_error() override;
  Result<long> readable_bytes() override;
  Result<long> unsent_bytes() override;

 private:
  Patience patience(std::uint32_t flags, Deadline deadline) const {
    return {waits(flags), deadline};
  }

  const Ref<UnixEndpoint> endpoint_;
};

}  // namespace plumbline::linux_abi
