// IPv6 of one queue pair (RFC 8200): packets to the host are sorted out, neighbours found and
// answered, packets sent, in fragments if need be.
//
// What all queues share is in Ipv6Host; neighbours, and frames that wait for them, are the queue's.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "net/ip/icmp_error.hh"
#include "net/ip/ipv6_host.hh"
#include "net/ip/neighbours.hh"
#include "net/ip/path_mtus.hh"
#include "net/packet_buffer.hh"
#include "net/reassembly.hh"
#include "net/transmit.hh"
#include "net/wire/ethernet.hh"
#include "net/wire/ipv6.hh"

namespace plumbline::net {

class Ipv6Layer {
 public:
  static constexpr size_t kHeaders = EthernetHeader::kSize + Ipv6Header::kSize;

  struct Configuration {
    MacAddress mac;
    uint16_t mtu = 1500;
    // Which of how many queues; the first one does what the host does once.
    uint16_t queue = 0;
    uint16_t queues = 1;
    // Datagrams in fragments are numbered from here on; not to be foreseen (RFC 7739).
    uint32_t first_identification = 0;
    uint64_t (*now)() = nullptr;
    PathMtus* path_mtus = nullptr;
  };
  struct Statistics {
    uint64_t not_for_us = 0;
    uint64_t malformed = 0;
    uint64_t bad_checksum = 0;  // of ICMPv6
    uint64_t chained = 0;       // longer than a buffer, and no TCP segment
    uint64_t no_buffer = 0;
    uint64_t echo_replies = 0;
    uint64_t neighbour_advertisements = 0;
    uint64_t errors_sent = 0;
  };

  // Each must outlive the layer.
  Ipv6Layer(const Configuration& configuration, Ipv6Host& host, BufferPool& pool,
            Reassembler& reassembler);
  Ipv6Layer(const Ipv6Layer&) = delete;
  Ipv6Layer& operator=(const Ipv6Layer&) = delete;

  // What a packet was, for those above.
  struct Arrival {
    enum Kind : uint8_t {
      kNone,   // dealt with; the frame is taken over
      kTcp,    // `offset` and `length` in the frame, which stays the caller's, as in all below
      kUdp,    // `payload`, in the frame or put together from several
      kError,  // `error`
    };
    Kind kind = kNone;
    uint8_t traffic_class = 0;
    uint8_t hop_limit = 0;
    bool vouched = false;  // the device has looked at the transport's checksum
    uint32_t offset = 0;
    uint32_t length = 0;
    IpAddress source;
    IpAddress destination;
    std::span<std::byte> payload;
    IcmpError error;
    // `source`, a neighbour, has answered a question, and is at `mac`; other queues may wait for
    // it.
    bool answered = false;
    MacAddress mac;
  };
  // Handles a frame whose Ethernet type says IPv6.
  Arrival receive(PacketBuffer* frame, Transmit& out);
  // A neighbour has answered another queue's question.
  void learn(const IpAddress& address, MacAddress mac, Transmit& out);

  // Whence packets to `to` come; nothing: there is no way.
  std::optional<IpAddress> source_for(const IpAddress& to) const {
    const Ipv6State& now_known = state();
    const uint64_t time = now();
    const Ipv6State::Own* const own = now_known.source_for(to, time);
    if (own == nullptr || now_known.next_hop(to, time).is_unspecified()) return std::nullopt;
    return own->address;
  }
  bool is_own(const IpAddress& address) const { return state().find_own(address) != nullptr; }
  // Bytes of a packet that the way to `to` takes, as far as that is known.
  uint16_t path_mtu(const IpAddress& to) const;

  struct Header {
    IpAddress source;
    IpAddress destination;
    uint8_t protocol = 0;
    uint8_t hop_limit = 64;
    uint8_t traffic_class = 0;
  };
  // Sends a frame whose payload starts at `frame->data`, in front of which kHeaders bytes are free,
  // and is `length` bytes long, over all buffers of the frame. Taken over. False: dropped.
  bool send(PacketBuffer* frame, const Header& header, uint32_t length, Transmit& out);
  // Sends `first` and `rest`, one payload with its checksum complete, in as many fragments as it
  // takes. False: dropped.
  bool send_bytes(const Header& header, std::span<const std::byte> first,
                  std::span<const std::byte> rest, Transmit& out);

  // Tells the sender of a UDP datagram in `frame`, which is taken over, that nobody listens.
  void refuse_port(PacketBuffer* frame, const Arrival& arrival, Transmit& out);

  // Call about once a second while busy().
  void tick(Transmit& out);
  bool busy() const { return neighbours_.busy() || (configuration_.queue == 0 && host_->busy()); }
  // Drops what is kept between packets.
  void forget();

  const Statistics& statistics() const { return statistics_; }
  Neighbours& neighbours() { return neighbours_; }

 private:
  struct Packet;
  using Message = std::span<std::byte>;

  const Ipv6State& state() const {
    if (const uint32_t generation = host_->generation(); generation != generation_) [[unlikely]]
      refresh(generation);
    return state_;
  }
  void refresh(uint32_t generation) const;
  uint64_t now() const { return configuration_.now == nullptr ? 0 : configuration_.now(); }
  Arrival drop(PacketBuffer* frame);
  Arrival receive_whole(Packet& packet, uint8_t protocol, std::span<std::byte> payload,
                        Transmit& out);

  // ipv6_icmp.cc
  Arrival receive_icmp(Packet& packet, Message message, Transmit& out);
  void answer_echo(Packet& packet, Message message, Transmit& out);
  void receive_solicitation(const Packet& packet, Message message, Transmit& out);
  bool receive_advertisement(const Packet& packet, Message message, Transmit& out,
                             Arrival& arrival);
  void receive_router(const Packet& packet, Message message, Transmit& out);
  void receive_redirect(const Packet& packet, Message message, Transmit& out);
  void send_error(PacketBuffer* frame, const Ipv6Header& ip, uint8_t type, uint8_t code,
                  uint32_t rest, Transmit& out);
  void solicit(const IpAddress& target, uint64_t mac, Transmit& out);
  void probe(const IpAddress& target, Transmit& out);
  void solicit_routers(Transmit& out);
  void report_groups(uint8_t kind, Transmit& out);
  // Completes an ICMPv6 message at `buffer->data + kHeaders` and sends it.
  void send_message(PacketBuffer* buffer, MacAddress to, const Header& header, size_t length,
                    Transmit& out);

  PacketBuffer* allocate(Transmit& out);
  void push_waiting(PacketBuffer* first, MacAddress mac, Transmit& out);
  void put_headers(std::byte* at, uint64_t mac, const Header& header, uint32_t length) const;
  // Where packets to `to` go at once; 0: the neighbour is not known, or there is none.
  uint64_t find_mac(const IpAddress& to, uint64_t time);

  Configuration configuration_;
  Ipv6Host* host_;
  BufferPool* pool_;
  Reassembler* reassembler_;
  Neighbours neighbours_;
  // The host's, as of `generation_`.
  mutable uint32_t generation_ = 0;
  mutable Ipv6State state_;
  // Destinations that were sent to lately (RFC 4861, section 5.1), by their address.
  struct Recent {
    IpAddress to;
    uint64_t mac = 0;
    uint64_t until = 0;
  };
  static constexpr size_t kRecent = 16;
  mutable std::array<Recent, kRecent> recent_{};
  uint32_t identification_;
  uint64_t errors_second_ = 0;
  uint32_t errors_left_ = 0;
  Statistics statistics_;
};

}  // namespace plumbline::net
