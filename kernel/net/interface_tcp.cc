// TCP segments over IPv4: to the stack, and to the neighbour.
#include "net/frame_bytes.hh"
#include "net/interface.hh"
#include "net/wire/tcp.hh"

namespace plumbline::net {

namespace {
constexpr size_t kIpAt = EthernetHeader::kSize;
constexpr size_t kSourceAt = kIpAt + 12;  // the IPv4 addresses, source and destination
constexpr size_t kTcpAt = EthernetHeader::kSize + Ipv4Header::kSize;
constexpr uint8_t kEcnMask = 3, kCongestionExperienced = 3;  // RFC 3168, section 5
}  // namespace

// As classify(): what differs anywhere from an unfragmented segment to this host without IPv4
// options is left to classify_any().
bool Interface::classify_tcp(PacketBuffer* frame) {
  const std::byte* const at = frame->data;
  if (frame->length < kTcpAt + TcpHeader::kSize) return false;
  const uint64_t addresses = load_unaligned<uint64_t>(at + kSourceAt);
  const bool common = (load_unaligned<uint64_t>(at) & 0x0001'ffff'ffff'ffff) == wire_.own_mac &&
                      (load_unaligned<uint32_t>(at + 12) & 0x00ff'ffff) == 0x45'0008 &&
                      (load_unaligned<uint32_t>(at + 20) & 0xff00'ff3f) == 0x0600'0000 &&
                      static_cast<uint32_t>(addresses >> 32) == wire_.own_address;
  const size_t total = load_be16(at + kIpAt + 2);
  const size_t length = frame->next == nullptr ? frame->length : frame_length(frame);
  if (!common || total > length - kIpAt || total < Ipv4Header::kSize + TcpHeader::kSize ||
      !is_sender(static_cast<uint32_t>(addresses)))
    return false;
  uint64_t sum = add_with_carry(load_unaligned<uint64_t>(at + kIpAt), addresses);
  sum = add_with_carry(sum, load_unaligned<uint32_t>(at + kIpAt + 8));
  if (fold_sum(sum) != 0xffff) return false;
  deliver_tcp(frame, kTcpAt, total - Ipv4Header::kSize,
              {byte_swap(static_cast<uint32_t>(addresses))}, static_cast<uint8_t>(at[kIpAt + 1]));
  return true;
}

void Interface::deliver_tcp(PacketBuffer* frame, size_t offset, size_t length, Ipv4Address source,
                            uint8_t type_of_service) {
  ++statistics_.tcp_received;
  tcp::FlowKey key;
  key.local = own_ip_;
  key.remote = IpAddress::of(source);
  tcp_receive_(tcp_context_, frame, static_cast<uint32_t>(offset), static_cast<uint32_t>(length),
               key, (type_of_service & kEcnMask) == kCongestionExperienced);
}

bool Interface::send_tcp(PacketBuffer* frame, const tcp::FlowKey& key,
                         const tcp::SegmentToSend& segment, Transmit& out) {
  const Ipv4Address to = key.remote.v4();
  const Ipv4Prefix& own = configuration_.address;
  const Ipv4Address hop = own.contains(to) ? to : configuration_.gateway;
  uint64_t mac = arp_.recent(hop, now());
  if (mac == 0) [[unlikely]] {
    if (hop.is_zero() || own.is_broadcast(hop) || to.is_class_d_or_e()) {
      release_chain(frame);
      return false;
    }
    const ArpTable::Use known = arp_.use(hop, now());
    if (known.ask) send_arp_request(hop, out);
    std::memcpy(&mac, known.mac.octets.data(), known.mac.octets.size());
  }
  std::byte* const tcp = frame->data;
  std::byte* const at = frame->data -= kTcpAt;
  frame->length += kTcpAt;
  const uint32_t length = segment.header + segment.payload;
  // Whole words, put together in registers, as in emit_udp().
  const uint64_t addresses = uint64_t{byte_swap(own.address.value)} | uint64_t{byte_swap(to.value)}
                                                                          << 32;
  const auto service = static_cast<uint8_t>((segment.traffic_class & ~kEcnMask) | segment.ecn);
  store_unaligned(at, wire_.start | mac);
  store_unaligned(at + 8, wire_.start_rest | uint64_t{service} << 56);
  const uint64_t middle = byte_swap(static_cast<uint16_t>(Ipv4Header::kSize + length)) |
                          uint64_t{0x0040} << 32 |
                          uint64_t{segment.hop_limit | uint32_t{Ipv4Header::kTcp} << 8} << 48;
  store_unaligned(at + kIpAt + 2, middle);
  const uint64_t first = 0x0045u | uint32_t{service} << 8;
  store_native16(at + kIpAt + 10,
                 finish_checksum(add_with_carry(add_with_carry(middle, addresses), first)));
  store_unaligned(at + kSourceAt, addresses);
  const uint64_t pseudo = tcp_pseudo_sum(key.local, key.remote, length);
  if (configuration_.transmit_checksum) {
    store_native16(tcp + TcpHeader::kChecksumOffset, fold_sum(pseudo));
    frame->checksum =
        segment.segment_size != 0 ? ChecksumState::kSegmentsIpv4 : ChecksumState::kPartial;
    frame->segment_size = segment.segment_size;
    frame->checksum_start = kTcpAt;
    frame->checksum_offset = TcpHeader::kChecksumOffset;
  } else {
    ASSERT(segment.segment_size == 0);
    frame->checksum = ChecksumState::kUnknown;
    store_native16(tcp + TcpHeader::kChecksumOffset, 0);
    const auto sum = sum_frame(*frame, kTcpAt, length, pseudo);
    // The frame is what the connection says it is.
    ASSERT(sum);
    store_native16(tcp + TcpHeader::kChecksumOffset, finish_checksum(*sum));
  }
  ++statistics_.tcp_sent;
  if (mac != 0) [[likely]] {
    out.push(frame);
    return true;
  }
  // Of a connection that begins: its SYN waits for the neighbour. What its connection keeps cannot,
  // and is sent again by it, once somebody has asked.
  if (frame->next != nullptr || frame->references != 1) {
    release_chain(frame);
    frame = nullptr;
  }
  const auto outcome = arp_.resolve(hop, frame, now()).outcome;
  ASSERT(outcome != ArpTable::Outcome::kKnown);
  if (outcome == ArpTable::Outcome::kAskAndWaiting) send_arp_request(hop, out);
  return frame != nullptr && outcome != ArpTable::Outcome::kDropped;
}

void Interface::adopt_neighbour(const Interface& other, const IpAddress& peer, Transmit& out) {
  if (!peer.is_v4()) return;
  const Ipv4Address to = peer.v4();
  const Ipv4Address hop = configuration_.address.contains(to) ? to : configuration_.gateway;
  const uint64_t at = now();
  if (arp_.lookup(hop, at)) return;
  if (const auto mac = other.arp_.lookup(hop, at))
    push_waiting(arp_.learn(hop, *mac, true, at), *mac, out);
}

}  // namespace plumbline::net
