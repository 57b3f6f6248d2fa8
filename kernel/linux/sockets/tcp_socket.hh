// TCP sockets over IPv4 and IPv6 (tcp(7)).
//
// A socket has a connection, a listener, or neither yet. Connections belong to a stack and are
// looked at only while that is held (TcpHold); what the stack tells comes to told(), with the stack
// held, and leaves bits in `ready_` for those who wait without holding anything.
#pragma once

#include <atomic>
#include <memory>

#include "linux/sockets/internet_address.hh"
#include "linux/sockets/socket.hh"
#include "linux/sockets/tcp_names.hh"
#include "linux/sockets/tcp_network.hh"
#include "net/tcp/connection.hh"
#include "net/tcp/listener.hh"
#include "sync/mutex.hh"
#include "sync/wait_queue.hh"

namespace plumbline::linux_abi {

class TcpSocket final : public Socket {
 public:
  TcpSocket(int family, std::uint32_t flags);
  ~TcpSocket() override;

  // kENOMEM.
  static Result<Ref<TcpSocket>> create(int family, std::uint32_t flags);

  Status bind(const SocketAddress& address) override;
  Status connect(const SocketAddress& address) override;
  Status listen(int backlog) override;
  Result<Ref<Socket>> accept(std::uint32_t flags, SocketAddress* peer) override;
  Status local_name(SocketAddress& address) override;
  Status peer_name(SocketAddress& address) override;
  Status shutdown(std::uint8_t bits) override;
  Result<std::size_t> send(IoCursor& from, const SendRequest& request) override;
  Result<std::size_t> receive(IoCursor& to, ReceiveRequest& request) override;
  // SIOCATMARK and SIOCOUTQNSD besides what all sockets know.
  Result<long> ioctl(std::uint32_t request, std::uint64_t argument) override;
  PollEvents poll() override;
  PollSource* poll_source() override { return &source_; }

 protected:
  Status set_own_option(int level, int name, std::uint64_t value, int length) override;
  Result<int> get_own_option(int level, int name, std::uint64_t value, int length) override;
  void buffers_changed(Buffer which) override;
  void flags_changed() override;
  Errno take_error() override;
  bool accepting() const override { return phase() == Phase::kListening; }
  Result<long> readable_bytes() override;
  Result<long> unsent_bytes() override;

 private:
  enum class Phase : std::uint8_t { kIdle, kListening, kConnecting, kConnected };

  // Bits of ready_: something may have changed for who waits for it. Written with the stack held;
  // cleared by who found that there is nothing (any more). kPlain: established, nothing shut or
  // failed, room to send, and kMayRead is exact; poll() then needs no stack, whose hold would cost
  // more than the answer.
  enum Ready : std::uint32_t { kMayRead = 1, kMayWrite = 2, kOpened = 4, kPlain = 8 };

  // What can be set before there is a connection, and is inherited by accepted ones.
  struct Options {
    net::tcp::Keepalive keepalive;
    std::uint32_t user_timeout = 0;
    std::int32_t linger2 = 60, syn_count = 6, defer_accept = 0, window_clamp = 0, not_sent_low = 0,
                 fast_open = 0;
    std::uint16_t maximum_segment = 0;
    std::uint8_t traffic_class = 0, hop_limit = 64;
    bool no_delay = false, cork = false, quick_acknowledgement = true;
    bool receive_buffer_set = false, send_buffer_set = false;
    bool v6_only = false, free_bind = false, receive_errors = false, packet_information = false;
    net::tcp::CongestionAlgorithm congestion = net::tcp::CongestionAlgorithm::kCubic;
  };

  // The stack's side of a socket: found from what the stack tells.
  struct TcpOwner : net::tcp::Owner {
    TcpSocket* socket = nullptr;
  };

  Phase phase() const { return phase_.load(std::memory_order_acquire); }
  // With the stack held, so that nobody else writes.
  void set_ready(std::uint32_t bits) {
    // Release: who sees a bit sees what it tells of.
    ready_.store(ready_.load(std::memory_order_relaxed) | bits, std::memory_order_release);
  }
  void clear_ready(std::uint32_t bits) {
    ready_.store(ready_.load(std::memory_order_relaxed) & ~bits, std::memory_order_relaxed);
  }
  // Whether all of the bits are set.
  bool has_ready(std::uint32_t bits) const {
    return (ready_.load(std::memory_order_acquire) & bits) == bits;
  }
  PollEvents poll_connection();
  Result<std::size_t> send_any(IoCursor& from, const SendRequest& request, std::size_t sent);
  Result<std::size_t> receive_any(IoCursor& to, const ReceiveRequest& request,
                                  std::size_t received);
  static void notify(net::tcp::Owner& owner, net::tcp::Connection& connection,
                     std::uint32_t events);
  void told(net::tcp::Connection& connection, std::uint32_t events);
  void adopt(unsigned stack, net::tcp::Connection& connection, Phase phase);
  void configure(net::tcp::Connection& connection, Nanoseconds now) const;
  // Does something with the connection, if there is one, while its stack is held.
  template <typename Use>
  bool with_connection(Use use);
  void follow_reader(TcpHold& hold);
  void drop_connection(bool abort);
  void wait_while_lingering();

  Status open(const InternetEndpoint& remote);
  Status wait_until_connected(Deadline deadline);
  Status connection_outcome();
  Status bind_name(const InternetEndpoint& local);
  Status stop_listening();
  static void prepare(void* owner, net::tcp::Connection& connection);
  static void ready_to_accept(void* owner, net::tcp::Listener& listener, unsigned stack);
  net::tcp::Connection* take_accepted(unsigned& stack);

  // Waits until one of the bits is set. kEAGAIN: not to be waited for, or the time is over.
  Status wait_for(std::uint32_t bits, WaitQueue& queue, std::uint32_t flags, Deadline deadline);
  Errno why_not_sending();

  Status set_tcp_option(int name, std::uint64_t value, int length);
  Status set_ip_option(int level, int name, int number);
  Result<int> get_tcp_option(int name, std::uint64_t value, int length);
  Result<int> get_ip_option(int level, int name, std::uint64_t value, int length);
  Result<int> get_information(std::uint64_t value, int length);
  Status set_congestion(std::uint64_t value, int length);
  template <typename Change>
  Status change(Change apply);

  // Written with the stack held, or before the socket is shared.
  net::tcp::Connection* connection_ = nullptr;
  TcpOwner owner_;
  std::atomic<unsigned> stack_{0};  // changed with the stack held that has it, and the new one
  std::uint8_t visits_ = 0;         // uses from another CPU than the stack's
  std::atomic<Phase> phase_{Phase::kIdle};
  std::atomic<std::uint32_t> ready_{0};
  std::atomic<std::int32_t> error_{0};
  std::atomic<std::uint8_t> shut_{0};
  Options options_;
  // One bind, connect, listen or accept's hand-over at a time.
  Mutex changing_;
  TcpName name_;
  bool address_chosen_ = false, port_chosen_ = false;
  InternetEndpoint remote_;
  std::unique_ptr<net::tcp::ListenerQueue[]> listener_queues_;
  std::unique_ptr<net::tcp::Listener> listener_;
  WaitQueue readers_, writers_;
  PollSource source_;
};

template <typename Use>
bool TcpSocket::with_connection(Use use) {
  const Phase now = phase();
  if (now != Phase::kConnecting && now != Phase::kConnected) return false;
  for (;;) {
    const unsigned stack = stack_.load(std::memory_order_relaxed);
    TcpHold hold(stack);
    // It may have moved meanwhile.
    if (stack != stack_.load(std::memory_order_relaxed)) [[unlikely]]
      continue;
    if (connection_ == nullptr) return false;
    use(*connection_, hold.now());
    if (hold.visits()) [[unlikely]]
      follow_reader(hold);
    return true;
  }
}

}  // namespace plumbline::linux_abi
