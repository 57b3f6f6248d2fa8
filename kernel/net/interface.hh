// A network interface: Ethernet, ARP, IPv4, IPv6, ICMP and UDP over packet buffers, without a
// device.
//
// The receive loop of a queue pair feeds it bursts; hosted tests and fuzzers feed it whatever they
// like. One Interface serves one queue pair and belongs to one thread. There is no virtual call
// and no allocation from the heap on any path.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "net/arp_table.hh"
#include "net/ip/icmp_error.hh"
#include "net/ip/ipv6_layer.hh"
#include "net/ip/path_mtus.hh"
#include "net/packet_buffer.hh"
#include "net/reassembly.hh"
#include "net/tcp/domain.hh"
#include "net/tcp/segment.hh"
#include "net/transmit.hh"
#include "net/udp.hh"
#include "net/wire/addresses.hh"
#include "net/wire/arp.hh"
#include "net/wire/ethernet.hh"
#include "net/wire/icmp.hh"
#include "net/wire/ipv4.hh"
#include "net/wire/udp.hh"

namespace plumbline::net {

// What UDP datagrams carry as their checksum.
enum class UdpChecksum : uint8_t {
  kFull,  // always correct on the wire: by the device where it offers that, else computed here.
          // What Linux does, hence the default.
  kZero,  // none: legal over IPv4 (RFC 768), and not comparable with Linux
};

struct InterfaceConfiguration {
  MacAddress mac;
  Ipv4Prefix address;
  Ipv4Address gateway;             // zero: none
  uint16_t mtu = 1500;             // bytes of an IPv4 packet; 576 to 1500
  bool accept_broadcast = false;   // UDP datagrams to the network's broadcast addresses are taken
  bool transmit_checksum = false;  // the device completes kPartial checksums (VIRTIO_NET_F_CSUM)
  UdpChecksum udp_checksum = UdpChecksum::kFull;
  // Which of how many interfaces with this address: they number fragmented datagrams apart, so that
  // no peer takes the fragments of two for one.
  uint16_t queue = 0;
  uint16_t queues = 1;
  uint64_t (*now)() = nullptr;  // monotonic nanoseconds; called off the fast path only
  // The host's IPv6; nullptr: none is spoken.
  Ipv6Host* ipv6 = nullptr;
  // Fragments of IPv6 are numbered from here on.
  uint32_t first_identification = 0;
  // What is known of ways to other networks; nullptr: all take what the link takes.
  PathMtus* path_mtus = nullptr;
};

struct InterfaceStatistics {
  uint64_t udp_received = 0;  // datagrams given to handlers
  uint64_t udp_sent = 0;
  uint64_t tcp_received = 0;      // segments, as they came from the device
  uint64_t tcp_sent = 0;          // frames
  uint64_t not_for_us = 0;        // another station's, or an unknown protocol
  uint64_t malformed = 0;         // refused by a parser
  uint64_t bad_checksum = 0;      // UDP; IPv4's and ICMP's count as malformed
  uint64_t no_port = 0;           // nobody is bound to the port
  uint64_t chained = 0;           // longer than a buffer, and so than the MTU: dropped
  uint64_t no_buffer = 0;         // an answer was not sent because no buffer was left
  uint64_t unreachable_sent = 0;  // ICMP port unreachable
  uint64_t echo_replies = 0;      // ICMP
  uint64_t errors_received = 0;   // ICMP, about packets that are ours as far as they say
  uint64_t arp_replies = 0;
};

class Interface {
 public:
  static constexpr size_t kBurst = 64;
  static constexpr size_t kMaximumPorts = 8;
  // Bytes of Ethernet, IPv4 and UDP headers in front of a payload.
  static constexpr size_t kUdpHeaders =
      EthernetHeader::kSize + Ipv4Header::kSize + UdpHeader::kSize;

  // `pool` gives the buffers for what is not an answer in place; `reassembly_memory` is what
  // Reassembler takes. All must outlive the interface.
  Interface(const InterfaceConfiguration& configuration, BufferPool& pool,
            std::span<std::byte> reassembly_memory);
  Interface(const Interface&) = delete;
  Interface& operator=(const Interface&) = delete;

  // Calls `handler` for the datagrams to `port`. False when the port is taken, 0, or there are
  // kMaximumPorts already.
  bool bind(uint16_t port, const UdpHandler& handler);

  // Calls `handler` for the datagrams to all ports that are not bound; it may refuse() them.
  void set_default_handler(const UdpHandler& handler) {
    handlers_[kDefaultPort] = handler;
    prefetches_ = prefetches_ || handler.prefetch != nullptr;
  }
  // Hears what ICMP says of packets that were sent from this interface's address. True when it may
  // be so: there is a socket that could have sent the packet, or it is known to be on its way.
  struct ErrorHandler {
    bool (*report)(void* context, const IcmpError& error) = nullptr;
    void* context = nullptr;
  };
  void set_udp_error_handler(const ErrorHandler& handler) { udp_errors_ = handler; }
  void set_tcp_error_handler(const ErrorHandler& handler) { tcp_errors_ = handler; }

  // Takes UDP datagrams over IPv6; false: nobody is bound to the port.
  struct Udp6Handler {
    bool (*receive)(void* context, const Udp6Datagram& datagram) = nullptr;
    void* context = nullptr;
  };
  void set_udp6_handler(const Udp6Handler& handler) { udp6_ = handler; }
  // Sends one, in fragments if need be. False: dropped.
  bool send_udp6(const Udp6Datagram& datagram, Transmit& out);

  // Hears which neighbours have answered us, since queues with the same address do not get their
  // own answers: see neighbour_answered().
  struct AnswerHandler {
    void (*tell)(void* context, const IpAddress& address, MacAddress mac) = nullptr;
    void* context = nullptr;
  };
  void set_answer_handler(const AnswerHandler& handler) { answers_ = handler; }
  // A neighbour has answered another queue. What waited here goes out.
  void neighbour_answered(const IpAddress& address, MacAddress mac, Transmit& out);

  // Gives TCP segments to `handler`: `length` bytes from `offset` in a frame that is taken over,
  // with both addresses. Without it there is no TCP.
  using TcpReceive = void (*)(void* context, PacketBuffer* frame, uint32_t offset, uint32_t length,
                              const tcp::FlowKey& addresses, bool congestion_experienced);
  void set_tcp_handler(TcpReceive handler, void* context) {
    tcp_receive_ = handler;
    tcp_context_ = context;
  }
  // Sends a segment to an IPv4 peer, taking its frame over: `frame->data` is at the TCP header and
  // kTcpHeaderRoom bytes are free in front of it. False when it was dropped.
  bool send_tcp(PacketBuffer* frame, const tcp::FlowKey& key, const tcp::SegmentToSend& segment,
                Transmit& out);
  // The same to an IPv6 peer.
  bool send_tcp6(PacketBuffer* frame, const tcp::FlowKey& key, const tcp::SegmentToSend& segment,
                 Transmit& out);
  // Takes over what another interface of this host knows of the way to `peer`: the answer to a
  // question of ours may come to another queue.
  void adopt_neighbour(const Interface& other, const IpAddress& peer, Transmit& out);
  static constexpr size_t kTcpHeaderRoom = Ipv6Layer::kHeaders;

  // Handles received frames, taking them over; answers are appended to `out` or the buffers
  // released.
  void receive(std::span<PacketBuffer* const> frames, Transmit& out);
  void receive(PacketBuffer* frame, Transmit& out) { receive({&frame, 1}, out); }

  // Sends a datagram of up to 65507 bytes that answers nothing, in fragments if need be; resolves
  // the neighbour first. False when it was dropped: no route, no buffer, or too long.
  bool send_udp(uint16_t source_port, UdpEndpoint to, std::span<const std::byte> payload,
                Transmit& out, const UdpSendOptions& options = {});
  // Puts up to `room` bytes at `payload`; returns where they end, or nullptr when it cannot.
  using PayloadWriter = std::byte* (*)(void* context, std::byte* payload, size_t room);
  // A datagram of what `write` gives, ready to be transmitted by the caller. For what nearly all
  // are: to a neighbour that a send_udp() reached not long ago, in one packet with the usual
  // header. nullptr: it is none of these, no buffer was free, or `write` gave none; then send_udp()
  // is the way.
  PacketBuffer* make_datagram(uint16_t source_port, UdpEndpoint to, PayloadWriter write,
                              void* context);
  // Bytes of an IP packet that the way to `to` takes, as far as that is known.
  uint16_t path_mtu(const IpAddress& to) const;
  // Tells the neighbours our address (gratuitous ARP, RFC 5227 section 3).
  void announce(Transmit& out);
  // Call about once a second: time-outs of neighbours and reassembly.
  void tick(Transmit& out);
  // True while tick() has something to do soon.
  bool busy() const {
    return reassembler_.pending() != 0 || arp_.resolving() || (ipv6_ && ipv6_->busy());
  }

  const InterfaceConfiguration& configuration() const { return configuration_; }
  const InterfaceStatistics& statistics() const { return statistics_; }
  const Reassembler& reassembler() const { return reassembler_; }
  const ArpTable& arp_table() const { return arp_; }
  ArpTable& arp_table() { return arp_; }
  Ipv6Layer* ipv6() { return ipv6_ ? &*ipv6_ : nullptr; }
  // Whether an IPv6 address is one of ours.
  bool is_own_v6(const IpAddress& address) const { return ipv6_ && ipv6_->is_own(address); }
  // The link that an address means something on, for keys of flows.
  static constexpr uint32_t kZone = 2;
  static uint32_t zone_of(const IpAddress& address) {
    return address.is_link_local_v6() ? kZone : 0;
  }
  // Drops everything that is kept between packets (fuzzing: equal inputs, equal runs).
  void forget();

 private:
  friend class UdpResponder;
  friend struct FullParsers;  // classify_test.cc: compares classify() with classify_any()

  // A datagram of the burst between its parsing and its handler's call.
  struct Pending {
    UdpDatagram datagram;
    const UdpHandler* handler;
    PacketBuffer* frame;
  };
  // Where an IPv4 packet goes.
  struct Route {
    MacAddress mac;
    Ipv4Address source;
    Ipv4Address destination;
  };

  // Where a UDP datagram goes, each as it lies on the wire, the source first.
  struct UdpRoute {
    UdpRoute(const Route& route, uint16_t source_port, uint16_t destination_port)
        : UdpRoute(0, route.source, source_port, route.destination, destination_port) {
      std::memcpy(&mac, route.mac.octets.data(), 6);
    }
    UdpRoute(uint64_t to, Ipv4Address source, uint16_t source_port, Ipv4Address destination,
             uint16_t destination_port)
        : mac(to),
          addresses(byte_swap(source.value) | uint64_t{byte_swap(destination.value)} << 32),
          ports(byte_swap(source_port) | uint32_t{byte_swap(destination_port)} << 16) {}
    uint64_t mac;  // in the lower six bytes
    uint64_t addresses;
    uint32_t ports;
  };

  // First pass over one frame; true when `pending` was filled in, otherwise the frame is dealt
  // with.
  bool classify(PacketBuffer* frame, Pending& pending, Transmit& out);
  // The same for a TCP segment; true when it was one.
  bool classify_tcp(PacketBuffer* frame);
  void deliver_tcp(PacketBuffer* frame, size_t offset, size_t length, Ipv4Address source,
                   uint8_t type_of_service);
  // What is not the common UDP datagram.
  bool classify_others(PacketBuffer* frame, Pending& pending, Transmit& out);
  // The same for any frame.
  bool classify_any(PacketBuffer* frame, Pending& pending, Transmit& out);
  // Whether an address, as it lies on the wire, may be a unicast packet's source (RFC 1122,
  // 3.2.1.3) and is not our own.
  bool is_sender(uint32_t wire) const {
    const auto first = static_cast<uint8_t>(wire);
    return wire != wire_.own_address && wire != wire_.broadcast && wire != 0 && first < 0xe0 &&
           first != 127;
  }
  void receive_ipv6(PacketBuffer* frame, Transmit& out);
  void receive_udp6(PacketBuffer* frame, const Ipv6Layer::Arrival& arrival, Transmit& out);
  void receive_arp(PacketBuffer* frame, Transmit& out);
  // `segment`: the whole IPv4 payload; `buffer`: where it lies, or nullptr when reassembled.
  bool receive_udp(const Ipv4Header& ip, std::span<std::byte> segment, PacketBuffer* buffer,
                   Pending& pending, Transmit& out);
  void receive_icmp(const Ipv4Header& ip, std::span<std::byte> message, PacketBuffer* frame,
                    bool in_frame, Transmit& out);
  void report(const IcmpError& error);
  bool is_broadcast_for_us(const Ipv4Header& ip, MacAddress to) const;
  // The index of a port's handler; port_count_ when nobody takes its datagrams. What is not bound
  // is looked at last, so that the handlers of ports pay nothing for it.
  size_t find_port(uint16_t number) const {
    size_t port = 0;
    while (port < port_count_ && ports_[port] != number) ++port;
    if (port == port_count_ && handlers_[kDefaultPort].receive != nullptr) [[unlikely]]
      return kDefaultPort;
    return port;
  }
  void receive_fragment(const Ipv4Header& ip, std::span<std::byte> payload, PacketBuffer* frame,
                        Transmit& out);
  void run(Pending& pending, Transmit& out);
  void send_port_unreachable(const Ipv4Header& ip, PacketBuffer* frame, Transmit& out);

  // A buffer whose payload starts behind `headers` bytes; nullptr when none can be had.
  PacketBuffer* allocate(size_t headers, Transmit& out);
  // Writes Ethernet and IPv4 header in front of the IPv4 payload at buffer->data +
  // EthernetHeader::kSize + Ipv4Header::kSize, whose length is known from buffer->length.
  void emit_headers(PacketBuffer* buffer, const Route& route, uint8_t protocol) const;
  // Writes all headers of an unfragmented datagram, and its checksum, in front of a payload;
  // buffer->data is at the Ethernet header.
  void emit_udp(PacketBuffer* buffer, const UdpRoute& route, size_t payload_length) const;
  void emit_udp_to(PacketBuffer* buffer, const Route& route, uint16_t source_port,
                   uint16_t destination_port, size_t payload_length) const;
  // Sends `header` and `body`, one IPv4 payload with its checksum complete, in as many fragments as
  // it takes. False when buffers ran out (what was sent already is useless, as after any loss).
  bool send_fragments(const Route& route, uint8_t protocol, std::span<const std::byte> header,
                      std::span<const std::byte> body, Transmit& out,
                      const UdpSendOptions& options = {});
  // The same as send_udp, for whatever there is to send.
  bool send_any_udp(uint16_t source_port, UdpEndpoint to, std::span<const std::byte> payload,
                    Transmit& out, const UdpSendOptions& options);
  // Sends a datagram to a neighbour whose MAC address is known.
  bool send_datagram(const Route& route, uint16_t source_port, uint16_t destination_port,
                     std::span<const std::byte> payload, Transmit& out,
                     const UdpSendOptions& options = {});
  void send_arp_request(Ipv4Address target, Transmit& out);
  void push_waiting(PacketBuffer* first, MacAddress mac, Transmit& out);
  uint64_t now() const { return configuration_.now == nullptr ? 0 : configuration_.now(); }

  // The configuration as it lies on the wire, for comparing and storing whole words.
  struct Wire {
    uint64_t own_mac = 0;  // in the lower six bytes
    uint32_t own_address = 0;
    uint32_t broadcast = 0;  // the network's, or 0
    // The first 16 bytes of what we send, without the destination.
    uint64_t start = 0;
    uint64_t start_rest = 0;
  };

  InterfaceConfiguration configuration_;
  Wire wire_;
  BufferPool* pool_;
  InterfaceStatistics statistics_;
  size_t port_count_ = 0;
  std::array<uint16_t, kMaximumPorts> ports_{};
  // Behind those of the ports the one for all others, if there is one.
  static constexpr size_t kDefaultPort = kMaximumPorts;
  std::array<UdpHandler, kMaximumPorts + 1> handlers_{};
  // Whether any of them has a second pass.
  bool prefetches_ = false;
  TcpReceive tcp_receive_ = nullptr;
  void* tcp_context_ = nullptr;
  IpAddress own_ip_;
  ErrorHandler udp_errors_;
  ErrorHandler tcp_errors_;
  Udp6Handler udp6_;
  AnswerHandler answers_;
  std::array<Pending, kBurst> pending_;
  Reassembler reassembler_;
  ArpTable arp_;
  std::optional<Ipv6Layer> ipv6_;
  uint16_t identification_ = 0;
  // RFC 1122, 3.2.2 and RFC 1812, 4.3.2.8: errors are sent at a limited rate.
  uint64_t unreachable_refilled_ = 0;
  uint32_t unreachable_tokens_ = kUnreachablePerSecond;
  static constexpr uint32_t kUnreachablePerSecond = 1000;
};

// How a UDP handler answers the datagram it was called for.
class UdpResponder {
 public:
  // The most payload that goes into one unfragmented packet.
  size_t maximum_payload() const {
    return interface_.configuration_.mtu - Ipv4Header::kSize - UdpHeader::kSize;
  }
  // The request's own buffer from the payload's start on, for an answer in place of up to
  // maximum_payload() bytes; the request is at its start. Empty when the request has no buffer, or
  // it was used for an answer already.
  std::span<std::byte> room() const {
    if (request_ == nullptr) return {};
    std::byte* const payload = datagram_.payload.data();
    const auto used = static_cast<size_t>(payload - request_->memory);
    const size_t left = PacketBuffer::kHeadroom + request_->capacity - used;
    return {payload, std::min(left, maximum_payload())};
  }
  // Sends the first `length` bytes of room() as the answer. At most once.
  void reply_in_place(size_t length);

  // A fresh buffer for (a further piece of) the answer, or nullptr when none can be had; to be
  // given to reply_from() or discard().
  PacketBuffer* allocate() { return interface_.allocate(Interface::kUdpHeaders, out_); }
  // Where a fresh buffer's payload goes: maximum_payload() bytes.
  std::span<std::byte> room(PacketBuffer* buffer) const;
  void reply_from(PacketBuffer* buffer, size_t length);
  void discard(PacketBuffer* buffer) { interface_.pool_->release(buffer); }

  // Tells the sender that nobody listens (ICMP port unreachable), for default handlers.
  void refuse();

  // Sends a copy of `payload`, in fragments if need be. False when it was dropped.
  bool reply(std::span<const std::byte> payload);

 private:
  friend class Interface;
  UdpResponder(Interface& owner, Transmit& out, const UdpDatagram& datagram, uint64_t mac)
      : interface_(owner), out_(out), datagram_(datagram), request_(datagram.buffer), mac_(mac) {}

  Interface::UdpRoute reply_route() const {
    return {mac_, datagram_.destination.address, datagram_.destination.port,
            datagram_.source.address, datagram_.source.port};
  }

  Interface& interface_;
  Transmit& out_;
  const UdpDatagram& datagram_;
  PacketBuffer* request_;
  uint64_t mac_;  // the requester's, in the lower six bytes
};

}  // namespace plumbline::net
