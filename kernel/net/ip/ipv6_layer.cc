#include "net/ip/ipv6_layer.hh"

#include <algorithm>
#include <bit>
#include <cstring>

#include "net/frame_bytes.hh"
#include "net/ip/ipv6_packet.hh"

namespace plumbline::net {

namespace {
constexpr size_t kIpAt = EthernetHeader::kSize;
constexpr size_t kFragmentHeader = 8;
}  // namespace

Ipv6Layer::Ipv6Layer(const Configuration& configuration, Ipv6Host& host, BufferPool& pool,
                     Reassembler& reassembler)
    : configuration_(configuration),
      host_(&host),
      pool_(&pool),
      reassembler_(&reassembler),
      neighbours_(pool),
      identification_(configuration.first_identification) {}

void Ipv6Layer::refresh(uint32_t generation) const {
  state_ = host_->state();
  generation_ = generation;
  recent_ = {};
}

Ipv6Layer::Arrival Ipv6Layer::drop(PacketBuffer* frame) {
  ++statistics_.not_for_us;
  release_chain(frame);
  return {};
}

Ipv6Layer::Arrival Ipv6Layer::receive(PacketBuffer* frame, Transmit& out) {
  const std::span<std::byte> packet = frame->bytes().subspan(kIpAt);
  const uint32_t whole = frame_length(frame) - kIpAt;
  const auto ip = Ipv6Header::parse(packet, whole);
  if (!ip) {
    ++statistics_.malformed;
    release_chain(frame);
    return {};
  }
  const MacAddress to = MacAddress::load(frame->data);
  // A unicast packet in a broadcast frame is as little for us as another station's.
  if ((to != configuration_.mac && !(to.is_group() && ip->destination.is_multicast())) ||
      !state().is_for_us(ip->destination) || ip->source.is_multicast() ||
      ip->source.is_loopback() || ip->source.is_v4() || state().find_own(ip->source) != nullptr)
    return drop(frame);
  Packet about{*ip, frame, true};
  // Joined segments span buffers; their headers do not.
  if (ip->next_header == ipv6_headers::kTcp) {
    Arrival arrival;
    if (ip->destination.is_multicast() || ip->source.is_unspecified()) return drop(frame);
    arrival.kind = Arrival::kTcp;
    arrival.offset = kHeaders;
    arrival.length = ip->payload_length;
    arrival.source = ip->source;
    arrival.destination = ip->destination;
    arrival.traffic_class = ip->traffic_class;
    arrival.hop_limit = ip->hop_limit;
    return arrival;
  }
  if (frame->next != nullptr) {
    ++statistics_.chained;
    release_chain(frame);
    return {};
  }
  const Ipv6Payload found = find_ipv6_payload(*ip, packet);
  switch (found.verdict) {
    case Ipv6Verdict::kDrop:
      return drop(frame);
    case Ipv6Verdict::kReport:
      send_error(frame, *ip, icmpv6_types::kParameterProblem, found.code, found.pointer, out);
      return {};
    case Ipv6Verdict::kFragment: {
      const Fragment fragment{ip->source,
                              ip->destination,
                              found.fragment.identification,
                              found.fragment.offset,
                              found.fragment.more,
                              found.protocol};
      const auto complete =
          reassembler_->add(fragment, packet.subspan(found.offset, found.length), now());
      if (!complete) {
        pool_->release(frame);
        return {};
      }
      about.in_frame = false;
      return receive_whole(about, found.protocol, *complete, out);
    }
    case Ipv6Verdict::kPayload:
      break;
  }
  const auto payload = packet.subspan(found.offset, found.length);
  if (found.protocol != ipv6_headers::kTcp && found.protocol != ipv6_headers::kUdp &&
      found.protocol != ipv6_headers::kIcmp) {
    send_error(frame, *ip, icmpv6_types::kParameterProblem, Ipv6Payload::kUnknownHeader,
               found.pointer, out);
    return {};
  }
  return receive_whole(about, found.protocol, payload, out);
}

Ipv6Layer::Arrival Ipv6Layer::receive_whole(Packet& packet, uint8_t protocol,
                                            std::span<std::byte> payload, Transmit& out) {
  if (protocol == ipv6_headers::kIcmp) return receive_icmp(packet, payload, out);
  PacketBuffer* const frame = packet.frame;
  Arrival arrival;
  arrival.source = packet.ip.source;
  arrival.destination = packet.ip.destination;
  arrival.traffic_class = packet.ip.traffic_class;
  arrival.hop_limit = packet.ip.hop_limit;
  arrival.payload = payload;
  if (packet.ip.source.is_unspecified()) return drop(frame);
  if (protocol == ipv6_headers::kUdp) {
    arrival.kind = Arrival::kUdp;
    arrival.vouched = packet.in_frame && frame->checksum == ChecksumState::kValid;
    return arrival;
  }
  // Segments in fragments: nobody sends them who knows the path's MTU. Whatever else was put
  // together is not known either.
  if (protocol != ipv6_headers::kTcp || !packet.in_frame || packet.ip.destination.is_multicast())
    return drop(frame);
  arrival.kind = Arrival::kTcp;
  arrival.offset = static_cast<uint32_t>(payload.data() - frame->data);
  arrival.length = static_cast<uint32_t>(payload.size());
  return arrival;
}

uint16_t Ipv6Layer::path_mtu(const IpAddress& to) const {
  const uint16_t link = std::min(configuration_.mtu, state().mtu);
  return configuration_.path_mtus == nullptr ? link
                                             : configuration_.path_mtus->find(to, link, now());
}

uint64_t Ipv6Layer::find_mac(const IpAddress& to, uint64_t time) {
  const Ipv6State& known = state();
  Recent& recent = recent_[byte_swap(to.words[1]) % kRecent];
  if (recent.to == to && time < recent.until) [[likely]]
    return recent.mac;
  if (to.is_multicast()) {
    uint64_t mac = 0;
    multicast_mac(to).store(reinterpret_cast<std::byte*>(&mac));
    return mac;
  }
  const IpAddress hop = known.next_hop(to, time);
  if (hop.is_unspecified()) return 0;
  const Neighbours::Use use = neighbours_.use(hop, time);
  if (use.mac != 0) recent = {to, use.mac, use.until};
  return use.mac;
}

void Ipv6Layer::put_headers(std::byte* at, uint64_t mac, const Header& header,
                            uint32_t length) const {
  store_unaligned(at, static_cast<uint32_t>(mac));
  store_unaligned(at + 4, static_cast<uint16_t>(mac >> 32));
  configuration_.mac.store(at + 6);
  store_be16(at + 12, EthernetHeader::kIpv6);
  Ipv6Header ip;
  ip.traffic_class = header.traffic_class;
  ip.payload_length = static_cast<uint16_t>(length);
  ip.next_header = header.protocol;
  ip.hop_limit = header.hop_limit;
  ip.source = header.source;
  ip.destination = header.destination;
  ip.emit(at + kIpAt);
}

bool Ipv6Layer::send(PacketBuffer* frame, const Header& header, uint32_t length, Transmit& out) {
  const uint64_t time = now();
  const uint64_t mac = find_mac(header.destination, time);
  frame->data -= kHeaders;
  frame->length += kHeaders;
  put_headers(frame->data, mac, header, length);
  if (mac != 0) [[likely]] {
    out.push(frame);
    return true;
  }
  const IpAddress hop = state().next_hop(header.destination, time);
  if (hop.is_unspecified()) {
    release_chain(frame);
    return false;
  }
  // What several buffers hold, or what its sender keeps, cannot wait; TCP sends it again, once
  // somebody has asked.
  if (frame->next != nullptr || frame->references != 1) {
    release_chain(frame);
    frame = nullptr;
  }
  const bool waits = frame != nullptr;
  const auto outcome = neighbours_.wait(hop, frame, time);
  if (outcome == Neighbours::Outcome::kAskAndWaiting) solicit(hop, 0, out);
  return waits && outcome != Neighbours::Outcome::kDropped;
}

PacketBuffer* Ipv6Layer::allocate(Transmit& out) {
  PacketBuffer* buffer = pool_->allocate();
  if (buffer == nullptr) {
    // What waits to be sent, or was sent, holds the buffers.
    out.flush();
    buffer = pool_->allocate();
    if (buffer == nullptr) ++statistics_.no_buffer;
  }
  return buffer;
}

bool Ipv6Layer::send_bytes(const Header& header, std::span<const std::byte> first,
                           std::span<const std::byte> rest, Transmit& out) {
  const size_t total = first.size() + rest.size();
  const size_t room = path_mtu(header.destination) - Ipv6Header::kSize;
  const bool whole = total <= room;
  const size_t step = whole ? total : (room - kFragmentHeader) / 8 * 8;
  if (!whole) ++identification_;
  // A power of two apart, so that the queues' numbers stay apart when all are used up.
  const uint32_t identification = static_cast<uint32_t>(
      identification_ * std::bit_ceil(configuration_.queues) + configuration_.queue);
  size_t offset = 0;
  do {
    PacketBuffer* const buffer = allocate(out);
    if (buffer == nullptr) return false;
    buffer->data += kHeaders;
    std::byte* at = buffer->data;
    const size_t length = std::min(step, total - offset);
    Header own = header;
    if (!whole) {
      own.protocol = ipv6_headers::kFragment;
      const bool more = offset + length < total;
      at[0] = std::byte{header.protocol};
      at[1] = std::byte{0};
      store_be16(at + 2, static_cast<uint16_t>(offset | (more ? 1 : 0)));
      store_be32(at + 4, identification);
      at += kFragmentHeader;
    }
    const size_t from_first = offset < first.size() ? std::min(first.size() - offset, length) : 0;
    if (from_first != 0) std::memcpy(at, first.data() + offset, from_first);
    if (length != from_first)
      std::memcpy(at + from_first, rest.data() + (offset + from_first - first.size()),
                  length - from_first);
    buffer->length = static_cast<uint32_t>(at + length - buffer->data);
    buffer->checksum = ChecksumState::kUnknown;
    if (!send(buffer, own, buffer->length, out)) return false;
    offset += length;
  } while (offset < total);
  return true;
}

void Ipv6Layer::push_waiting(PacketBuffer* first, MacAddress mac, Transmit& out) {
  while (first != nullptr) {
    PacketBuffer* const next = first->next;
    first->next = nullptr;
    mac.store(first->data);
    out.push(first);
    first = next;
  }
}

void Ipv6Layer::learn(const IpAddress& address, MacAddress mac, Transmit& out) {
  recent_ = {};
  push_waiting(neighbours_.advertised(address, mac, true, true, now(), state().reachable_time), mac,
               out);
}

void Ipv6Layer::tick(Transmit& out) {
  const uint64_t time = now();
  recent_ = {};
  struct Stepping {
    Ipv6Layer* layer;
    Transmit* out;
  } stepping{this, &out};
  neighbours_.expire(
      time,
      [](void* context, const Neighbours::Step& step) {
        auto& self = *static_cast<Stepping*>(context);
        if (step.failed)
          self.layer->host_->hop_failed(step.address);
        else
          self.layer->solicit(step.address, step.mac, *self.out);
      },
      &stepping);
  if (configuration_.queue != 0) return;
  for (bool first = true;; first = false) {
    const Ipv6Host::Work work = host_->tick(time);
    // Switches that look for listeners must know of the groups before the question about the
    // address goes there (RFC 4862, section 5.4.2).
    if (work.probe && first) report_groups(4, out);
    if (work.solicit) solicit_routers(out);
    if (!work.probe) break;
    probe(*work.probe, out);
  }
}

void Ipv6Layer::forget() {
  neighbours_.clear();
  recent_ = {};
  identification_ = configuration_.first_identification;
  errors_second_ = 0;
  errors_left_ = 0;
}

}  // namespace plumbline::net
