// IPv6 of an interface: what the layer found, to TCP, to UDP and to those who sent; and their way
// out.
#include "net/frame_bytes.hh"
#include "net/interface.hh"
#include "net/wire/tcp.hh"

namespace plumbline::net {

namespace {
constexpr uint8_t kEcnMask = 3, kCongestionExperienced = 3;  // RFC 3168, section 5
}  // namespace

void Interface::receive_ipv6(PacketBuffer* frame, Transmit& out) {
  const Ipv6Layer::Arrival arrival = ipv6_->receive(frame, out);
  switch (arrival.kind) {
    case Ipv6Layer::Arrival::kNone:
      if (arrival.answered && answers_.tell != nullptr)
        answers_.tell(answers_.context, arrival.source, arrival.mac);
      return;
    case Ipv6Layer::Arrival::kTcp: {
      if (tcp_receive_ == nullptr) break;
      ++statistics_.tcp_received;
      tcp::FlowKey key;
      key.local = arrival.destination;
      key.remote = arrival.source;
      key.zone = zone_of(arrival.source);
      tcp_receive_(tcp_context_, frame, arrival.offset, arrival.length, key,
                   (arrival.traffic_class & kEcnMask) == kCongestionExperienced);
      return;
    }
    case Ipv6Layer::Arrival::kUdp:
      receive_udp6(frame, arrival, out);
      return;
    case Ipv6Layer::Arrival::kError:
      report(arrival.error);
      break;
  }
  release_chain(frame);
}

void Interface::receive_udp6(PacketBuffer* frame, const Ipv6Layer::Arrival& arrival,
                             Transmit& out) {
  const auto udp = UdpHeader::parse(arrival.payload);
  if (!udp || udp->source_port == 0) {
    ++statistics_.malformed;
    pool_->release(frame);
    return;
  }
  const auto segment = arrival.payload.first(udp->length);
  // Over IPv6 every datagram has a checksum (RFC 8200, section 8.1).
  if (!udp->checksummed ||
      (!arrival.vouched &&
       fold_sum(sum_bytes(segment, ipv6_pseudo_sum(arrival.source, arrival.destination,
                                                   Ipv4Header::kUdp, udp->length))) != 0xffff)) {
    ++statistics_.bad_checksum;
    pool_->release(frame);
    return;
  }
  const Udp6Datagram datagram{arrival.source,
                              arrival.destination,
                              udp->source_port,
                              udp->destination_port,
                              arrival.hop_limit,
                              arrival.traffic_class,
                              segment.subspan(UdpHeader::kSize)};
  if (udp6_.receive != nullptr && udp6_.receive(udp6_.context, datagram)) {
    ++statistics_.udp_received;
    pool_->release(frame);
    return;
  }
  ++statistics_.no_port;
  ipv6_->refuse_port(frame, arrival, out);
}

bool Interface::send_udp6(const Udp6Datagram& datagram, Transmit& out) {
  // The length is 16 bits, and there is no longer datagram.
  const size_t length = UdpHeader::kSize + datagram.payload.size();
  if (!ipv6_ || length > 65535) return false;
  std::array<std::byte, UdpHeader::kSize> header;
  UdpHeader{datagram.source_port, datagram.destination_port, static_cast<uint16_t>(length), true}
      .emit(header.data());
  // By us, not by the device: what is usual goes over IPv4 still.
  uint64_t sum = ipv6_pseudo_sum(datagram.source, datagram.destination, Ipv4Header::kUdp,
                                 static_cast<uint32_t>(length));
  sum = sum_bytes(datagram.payload, sum_bytes(header, sum));
  const uint16_t checksum = finish_checksum(sum);
  store_native16(header.data() + UdpHeader::kChecksumOffset, checksum == 0 ? 0xffff : checksum);
  const Ipv6Layer::Header ip{datagram.source, datagram.destination, Ipv4Header::kUdp,
                             datagram.hop_limit, datagram.traffic_class};
  if (!ipv6_->send_bytes(ip, header, datagram.payload, out)) return false;
  ++statistics_.udp_sent;
  return true;
}

bool Interface::send_tcp6(PacketBuffer* frame, const tcp::FlowKey& key,
                          const tcp::SegmentToSend& segment, Transmit& out) {
  if (!ipv6_) {
    release_chain(frame);
    return false;
  }
  std::byte* const tcp = frame->data;
  const uint32_t length = segment.header + segment.payload;
  const uint64_t pseudo = tcp_pseudo_sum(key.local, key.remote, length);
  if (configuration_.transmit_checksum) {
    store_native16(tcp + TcpHeader::kChecksumOffset, fold_sum(pseudo));
    frame->checksum =
        segment.segment_size != 0 ? ChecksumState::kSegmentsIpv6 : ChecksumState::kPartial;
    frame->segment_size = segment.segment_size;
    frame->checksum_start = Ipv6Layer::kHeaders;
    frame->checksum_offset = TcpHeader::kChecksumOffset;
  } else {
    ASSERT(segment.segment_size == 0);
    frame->checksum = ChecksumState::kUnknown;
    store_native16(tcp + TcpHeader::kChecksumOffset, 0);
    const auto sum = sum_frame(*frame, 0, length, pseudo);
    ASSERT(sum);
    store_native16(tcp + TcpHeader::kChecksumOffset, finish_checksum(*sum));
  }
  ++statistics_.tcp_sent;
  return ipv6_->send(frame,
                     {key.local, key.remote, Ipv4Header::kTcp, segment.hop_limit,
                      static_cast<uint8_t>((segment.traffic_class & ~kEcnMask) | segment.ecn)},
                     length, out);
}

void Interface::neighbour_answered(const IpAddress& address, MacAddress mac, Transmit& out) {
  if (address.is_v4())
    push_waiting(arp_.learn(address.v4(), mac, false, now()), mac, out);
  else if (ipv6_)
    ipv6_->learn(address, mac, out);
}

}  // namespace plumbline::net
