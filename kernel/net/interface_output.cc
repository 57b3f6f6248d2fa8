// The interface's sending side: fresh buffers, fragmentation, ARP.
#include <algorithm>
#include <bit>

#include "net/interface.hh"

namespace plumbline::net {

namespace {
constexpr size_t kIpAt = EthernetHeader::kSize;
constexpr size_t kPayloadAt = EthernetHeader::kSize + Ipv4Header::kSize;
// The largest UDP payload: 65535 less IPv4 and UDP header.
constexpr size_t kMaximumPayload = 65535 - Ipv4Header::kSize - UdpHeader::kSize;
constexpr Ipv4Address kLimitedBroadcast{~uint32_t{0}};

// Changes the header of a finished packet.
void apply(const UdpSendOptions& options, std::byte* ip) {
  if (options == UdpSendOptions{}) [[likely]]
    return;
  ip[1] = static_cast<std::byte>(options.type_of_service);
  ip[8] = static_cast<std::byte>(options.time_to_live);
  store_native16(ip + 10, 0);
  store_native16(ip + 10, internet_checksum({ip, Ipv4Header::kSize}));
}
}  // namespace

PacketBuffer* Interface::allocate(size_t headers, Transmit& out) {
  PacketBuffer* buffer = pool_->allocate();
  if (buffer == nullptr) {
    // What waits to be sent, or was sent, holds the buffers.
    out.flush();
    buffer = pool_->allocate();
    if (buffer == nullptr) {
      ++statistics_.no_buffer;
      return nullptr;
    }
  }
  buffer->length = static_cast<uint32_t>(headers);
  return buffer;
}

bool Interface::send_fragments(const Route& route, uint8_t protocol,
                               std::span<const std::byte> header, std::span<const std::byte> body,
                               Transmit& out, const UdpSendOptions& options) {
  const size_t total = header.size() + body.size();
  // All fragments but the last carry a multiple of 8 bytes (RFC 791, section 3.2).
  const size_t step = (path_mtu(IpAddress::of(route.destination)) - Ipv4Header::kSize) / 8 * 8;
  Ipv4Header ip;
  // A power of two apart, so that the numbers stay apart when 16 bits are used up.
  ip.identification = static_cast<uint16_t>(
      ++identification_ * std::bit_ceil(configuration_.queues) + configuration_.queue);
  ip.protocol = protocol;
  ip.source = route.source;
  ip.destination = route.destination;
  for (size_t offset = 0; offset < total; offset += step) {
    PacketBuffer* const buffer = allocate(kPayloadAt, out);
    if (buffer == nullptr) return false;
    const size_t length = std::min(step, total - offset);
    // `header` is a few bytes and lies in the first fragment.
    const size_t from_header = offset == 0 ? header.size() : 0;
    std::byte* const at = buffer->data;
    if (from_header != 0) std::memcpy(at + kPayloadAt, header.data(), from_header);
    const size_t in_body = offset + from_header - header.size();
    std::memcpy(at + kPayloadAt + from_header, body.data() + in_body, length - from_header);
    EthernetHeader{route.mac, configuration_.mac, EthernetHeader::kIpv4}.emit(at);
    ip.total_length = static_cast<uint16_t>(Ipv4Header::kSize + length);
    ip.fragment_offset = static_cast<uint16_t>(offset);
    ip.more_fragments = offset + length < total;
    ip.emit(at + kIpAt);
    apply(options, at + kIpAt);
    buffer->length = static_cast<uint32_t>(kPayloadAt + length);
    out.push(buffer);
  }
  return true;
}

bool Interface::send_datagram(const Route& route, uint16_t source_port, uint16_t destination_port,
                              std::span<const std::byte> payload, Transmit& out,
                              const UdpSendOptions& options) {
  if (payload.size() > kMaximumPayload) return false;
  const uint16_t mtu = path_mtu(IpAddress::of(route.destination));
  if (UdpHeader::kSize + payload.size() + Ipv4Header::kSize <= mtu) {
    PacketBuffer* const buffer = allocate(kUdpHeaders, out);
    if (buffer == nullptr) return false;
    if (!payload.empty()) std::memcpy(buffer->data + kUdpHeaders, payload.data(), payload.size());
    emit_udp_to(buffer, route, source_port, destination_port, payload.size());
    apply(options, buffer->data + kIpAt);
    ++statistics_.udp_sent;
    out.push(buffer);
    return true;
  }
  std::array<std::byte, UdpHeader::kSize> header;
  const auto length = static_cast<uint16_t>(UdpHeader::kSize + payload.size());
  UdpHeader{source_port, destination_port, length, false}.emit(header.data());
  if (configuration_.udp_checksum == UdpChecksum::kFull) {
    // No device sums over several packets.
    uint64_t sum = pseudo_header_sum(route.source, route.destination, Ipv4Header::kUdp, length);
    sum = sum_bytes(payload, sum_bytes(header, sum));
    const uint16_t checksum = finish_checksum(sum);
    store_native16(header.data() + UdpHeader::kChecksumOffset, checksum == 0 ? 0xffff : checksum);
  }
  if (!send_fragments(route, Ipv4Header::kUdp, header, payload, out, options)) return false;
  ++statistics_.udp_sent;
  return true;
}

bool Interface::send_any_udp(uint16_t source_port, UdpEndpoint to,
                             std::span<const std::byte> payload, Transmit& out,
                             const UdpSendOptions& options) {
  const Ipv4Prefix& own = configuration_.address;
  if (own.is_broadcast(to.address) || to.address == kLimitedBroadcast) [[unlikely]]
    return send_datagram({MacAddress::broadcast(), own.address, to.address}, source_port, to.port,
                         payload, out, options);
  const Ipv4Address hop = own.contains(to.address) ? to.address : configuration_.gateway;
  if (hop.is_zero() || own.is_broadcast(hop) || to.address.is_class_d_or_e()) return false;
  const ArpTable::Use known = arp_.use(hop, now());
  if (known.ask) send_arp_request(hop, out);
  const Route route{known.mac, own.address, to.address};
  if (!route.mac.is_zero())
    return send_datagram(route, source_port, to.port, payload, out, options);

  // Built with an empty destination; the frames wait in the ARP table. A datagram of more packets
  // than may wait is refused: the caller can ask again when the neighbour has answered.
  const size_t step = (path_mtu(IpAddress::of(to.address)) - Ipv4Header::kSize) / 8 * 8;
  if (UdpHeader::kSize + payload.size() > step * ArpTable::kWaitingPerEntry) {
    send_arp_request(hop, out);
    return false;
  }
  struct Resolver {
    Interface* owner;
    Transmit* out;
    Ipv4Address hop;
    bool sent = true;
  } resolver{this, &out, hop};
  Transmit built(
      [](void* context, std::span<PacketBuffer* const> packets) {
        auto& self = *static_cast<Resolver*>(context);
        for (PacketBuffer* packet : packets) {
          const auto outcome =
              self.owner->arp_.resolve(self.hop, packet, self.owner->now()).outcome;
          ASSERT(outcome != ArpTable::Outcome::kKnown);
          if (outcome == ArpTable::Outcome::kAskAndWaiting)
            self.owner->send_arp_request(self.hop, *self.out);
          if (outcome == ArpTable::Outcome::kDropped) self.sent = false;
        }
        if (packets.empty()) self.out->flush();
      },
      &resolver);
  const bool built_all = send_datagram(route, source_port, to.port, payload, built, options);
  built.flush();
  return built_all && resolver.sent;
}

void Interface::send_arp_request(Ipv4Address target, Transmit& out) {
  PacketBuffer* const buffer = allocate(EthernetHeader::kSize + ArpPacket::kSize, out);
  if (buffer == nullptr) return;
  EthernetHeader{MacAddress::broadcast(), configuration_.mac, EthernetHeader::kArp}.emit(
      buffer->data);
  ArpPacket{ArpPacket::kRequest, configuration_.mac, configuration_.address.address, {}, target}
      .emit(buffer->data + EthernetHeader::kSize);
  out.push(buffer);
}

void Interface::announce(Transmit& out) { send_arp_request(configuration_.address.address, out); }

void Interface::push_waiting(PacketBuffer* first, MacAddress mac, Transmit& out) {
  while (first != nullptr) {
    PacketBuffer* const next = first->next;
    first->next = nullptr;
    mac.store(first->data);
    out.push(first);
    first = next;
  }
}

void Interface::receive_arp(PacketBuffer* frame, Transmit& out) {
  const auto arp = ArpPacket::parse(frame->bytes().subspan(EthernetHeader::kSize));
  const Ipv4Prefix& own = configuration_.address;
  if (!arp || arp->sender_mac.is_group() || arp->sender_mac.is_zero()) {
    ++statistics_.malformed;
    pool_->release(frame);
    return;
  }
  const bool for_us = arp->target == own.address;
  // A neighbour is of our network and is not us; probes (RFC 5227) have no sender address.
  if (own.contains(arp->sender) && arp->sender != own.address && !arp->sender.is_zero() &&
      !own.is_broadcast(arp->sender))
    push_waiting(arp_.learn(arp->sender, arp->sender_mac, for_us, now()), arp->sender_mac, out);
  if (for_us && arp->operation == ArpPacket::kReply && own.contains(arp->sender) &&
      answers_.tell != nullptr)
    answers_.tell(answers_.context, IpAddress::of(arp->sender), arp->sender_mac);
  if (!for_us || arp->operation != ArpPacket::kRequest || arp->sender == own.address) {
    pool_->release(frame);
    return;
  }
  EthernetHeader{arp->sender_mac, configuration_.mac, EthernetHeader::kArp}.emit(frame->data);
  ArpPacket{ArpPacket::kReply, configuration_.mac, own.address, arp->sender_mac, arp->sender}.emit(
      frame->data + EthernetHeader::kSize);
  frame->length = EthernetHeader::kSize + ArpPacket::kSize;
  frame->checksum = ChecksumState::kUnknown;
  ++statistics_.arp_replies;
  out.push(frame);
}

void Interface::tick(Transmit& out) {
  struct Asking {
    Interface* owner;
    Transmit* out;
  } asking{this, &out};
  reassembler_.expire(now());
  arp_.expire(
      now(),
      [](void* context, Ipv4Address address) {
        auto& self = *static_cast<Asking*>(context);
        self.owner->send_arp_request(address, *self.out);
      },
      &asking);
  if (ipv6_) ipv6_->tick(out);
}

}  // namespace plumbline::net
