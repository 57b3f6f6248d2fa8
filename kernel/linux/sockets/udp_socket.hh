// UDP sockets over IPv4 (udp(7), ip(7)).
#pragma once

#include <atomic>

#include "linux/sockets/socket.hh"
#include "linux/sockets/udp_network.hh"
#include "linux/sockets/udp_ports.hh"
#include "sync/mutex.hh"
#include "sync/spinlock.hh"
#include "sync/wait_queue.hh"

namespace plumbline::linux_abi {

class UdpSocket final : public Socket {
 public:
  explicit UdpSocket(std::uint32_t flags) : Socket(kFamilyInternet, kDatagram, 17, flags) {}
  ~UdpSocket() override;

  // kENOMEM.
  static Result<Ref<UdpSocket>> create(std::uint32_t flags);

  Status bind(const SocketAddress& address) override;
  Status connect(const SocketAddress& address) override;
  Status local_name(SocketAddress& address) override;
  Status peer_name(SocketAddress& address) override;
  Status shutdown(std::uint8_t bits) override;
  Result<std::size_t> send(IoCursor& from, const SendRequest& request) override;
  Result<std::size_t> receive(IoCursor& to, ReceiveRequest& request) override;
  std::ptrdiff_t send_at_once(const ProgramMessage& message, std::uint32_t flags) override;
  PollEvents poll() override;
  PollSource* poll_source() override { return &source_; }

  // The ports' side (udp_ports.cc), with the lock of the socket's bucket.
  // False: its buffer is full.
  bool has_room(std::size_t charge) const {
    return queued_.load(std::memory_order_relaxed) + charge <= receive_buffer_ ||
           queued_.load(std::memory_order_relaxed) == 0;
  }
  void push(Datagram* datagram) {
    datagram->next = nullptr;
    // Holders of a bucket's lock are masked.
    lock_.lock_masked();
    if (last_ == nullptr)
      first_ = datagram;
    else
      last_->next = datagram;
    last_ = datagram;
    queued_.store(queued_.load(std::memory_order_relaxed) + datagram->charge(),
                  std::memory_order_release);
    lock_.unlock_masked();
  }
  void count_drop() { drops_.fetch_add(1, std::memory_order_relaxed); }
  // Tells who waits that something came.
  void tell_receivers();
  // A datagram of ours did not arrive; see report_udp_error().
  void report(Errno error, bool hard);

  // Under the lock of the bucket.
  UdpBinding binding;
  UdpSocket* next_of_port = nullptr;
  // Written under it.
  std::atomic<bool> bound{false};
  // In a batch's list of those to be told, and being told: the list holds no reference, since that
  // would keep the port of a closed socket taken; the end of the socket waits for both instead.
  std::atomic<bool> to_be_told{false};
  // Several may tell it at once: what came during one telling is another's.
  std::atomic<std::uint32_t> being_told{0};
  UdpSocket* next_to_be_told = nullptr;

 protected:
  Status set_own_option(int level, int name, std::uint64_t value, int length) override;
  Result<int> get_own_option(int level, int name, std::uint64_t value, int length) override;
  Errno take_error() override;
  Result<long> readable_bytes() override;
  Result<long> unsent_bytes() override { return 0; }

 private:
  struct Route {
    bool local = false;
    bool broadcast = false;
    net::Ipv4Address source;
  };
  struct IpOptions {
    net::UdpSendOptions send;
    bool packet_information = false, receive_type_of_service = false, receive_time_to_live = false,
         receive_errors = false, free_bind = false;
    int multicast_time_to_live = 1, multicast_loop = 1, path_mtu_discovery = 1;
  };

  Status autobind();
  Result<Route> route(net::Ipv4Address to, net::Ipv4Address source) const;
  bool sends_simply(std::uint32_t flags) const;
  Result<std::size_t> send_any(IoCursor& from, const SendRequest& request);
  Result<std::size_t> send_locally(IoCursor& from, std::size_t size, net::UdpEndpoint source,
                                   net::UdpEndpoint to, bool broadcast,
                                   const net::UdpSendOptions& options);
  Result<std::size_t> send_out(IoCursor& from, std::size_t size, std::uint16_t source_port,
                               net::UdpEndpoint to, const net::UdpSendOptions& options);
  Datagram* take(bool peek);
  Result<std::size_t> give(Datagram* datagram, IoCursor& to, ReceiveRequest& request) const;
  Result<std::size_t> receive_any(IoCursor& to, ReceiveRequest& request);
  Status wait_for_datagram(std::uint32_t flags, bool& end);
  void give_control(const DatagramHeader& header, ControlWriter& control) const;
  int* number_option(int name);
  bool* flag_option(int name);

  // One bind or connect at a time.
  Mutex binding_lock_;
  bool address_chosen_ = false, port_chosen_ = false;  // by bind(2)
  IpOptions ip_;
  std::atomic<std::uint8_t> shut_{0};
  std::atomic<std::int32_t> error_{0};

  Spinlock lock_;
  // Under lock_.
  Datagram* first_ = nullptr;
  Datagram* last_ = nullptr;
  // Bytes charged.
  std::atomic<std::size_t> queued_{0};
  std::atomic<std::uint64_t> drops_{0};
  WaitQueue readers_;
  PollSource source_;
};

}  // namespace plumbline::linux_abi
