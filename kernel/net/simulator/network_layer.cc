#include "net/simulator/network_layer.hh"

#include <algorithm>

#include "net/wire/ethernet.hh"
#include "net/wire/ipv4.hh"
#include "net/wire/tcp.hh"

namespace plumbline::net::simulator {
namespace {

constexpr uint16_t kIpv6 = 0x86dd;
constexpr size_t kIpv6Header = 40;
// Addresses of the link layer say nothing here: a link has two ends.
constexpr MacAddress kSource{{2, 0, 0, 0, 0, 1}};
constexpr MacAddress kDestination{{2, 0, 0, 0, 0, 2}};

}  // namespace

void NetworkLayer::emit(const PacketBuffer& frame, const tcp::FlowKey& key,
                        const tcp::SegmentToSend& segment, std::vector<Frame>& out) {
  std::vector<std::byte> whole;
  for (const PacketBuffer* piece = &frame; piece != nullptr; piece = piece->next)
    whole.insert(whole.end(), piece->data, piece->data + piece->length);
  ASSERT_MSG(whole.size() == size_t{segment.header} + segment.payload,
             "a frame is not as long as its segment says");
  ASSERT_MSG(load_be16(whole.data() + TcpHeader::kChecksumOffset) == 0,
             "the checksum field is not empty");
  ASSERT_MSG(segment.segment_size == 0 || segment.payload > segment.segment_size,
             "segmentation of what is one segment");
  const bool v4 = key.local.is_v4();
  const size_t ip_header = v4 ? Ipv4Header::kSize : kIpv6Header;
  const size_t most = segment.segment_size == 0 ? segment.payload : segment.segment_size;
  size_t done = 0;
  do {
    const size_t length = std::min(most, segment.payload - done);
    const bool last = done + length == segment.payload;
    Frame packet(EthernetHeader::kSize + ip_header + segment.header + length);
    EthernetHeader{kDestination, kSource, v4 ? EthernetHeader::kIpv4 : kIpv6}.emit(packet.data());
    std::byte* const ip = packet.data() + EthernetHeader::kSize;
    const auto transport = static_cast<uint16_t>(segment.header + length);
    const uint8_t traffic_class = segment.traffic_class | segment.ecn;
    if (v4) {
      Ipv4Header header;
      header.total_length = static_cast<uint16_t>(ip_header + transport);
      header.identification = identification_++;
      header.dont_fragment = true;
      header.time_to_live = segment.hop_limit;
      header.protocol = Ipv4Header::kTcp;
      header.source = key.local.v4();
      header.destination = key.remote.v4();
      header.emit(ip);
      ip[1] = std::byte{traffic_class};
      store_native16(ip + 10, 0);
      store_native16(ip + 10, internet_checksum({ip, ip_header}));
    } else {
      store_be32(ip, uint32_t{6} << 28 | uint32_t{traffic_class} << 20);
      store_be16(ip + 4, transport);
      ip[6] = std::byte{Ipv4Header::kTcp};
      ip[7] = std::byte{segment.hop_limit};
      key.local.store_v6(ip + 8);
      key.remote.store_v6(ip + 24);
    }
    std::byte* const at = ip + ip_header;
    std::memcpy(at, whole.data(), segment.header);
    if (length != 0) std::memcpy(at + segment.header, whole.data() + segment.header + done, length);
    store_be32(at + 4, load_be32(at + 4) + static_cast<uint32_t>(done));
    // A device repeats the flags but what belongs to the end or to the beginning (RFC 3168 6.1.2).
    if (!last) at[13] &= ~std::byte{tcp_flags::kFin | tcp_flags::kPsh};
    if (done != 0) at[13] &= ~std::byte{tcp_flags::kCwr};
    store_native16(at + TcpHeader::kChecksumOffset,
                   tcp_checksum({at, transport}, key.local, key.remote));
    out.push_back(std::move(packet));
    done += length;
  } while (done < segment.payload);
}

std::optional<NetworkLayer::Received> NetworkLayer::parse(std::span<const std::byte> frame) {
  const auto ethernet = EthernetHeader::parse(frame);
  if (!ethernet) return std::nullopt;
  const auto packet = frame.subspan(EthernetHeader::kSize);
  Received received;
  if (ethernet->type == EthernetHeader::kIpv4) {
    const auto ip = Ipv4Header::parse(packet);
    if (!ip || ip->protocol != Ipv4Header::kTcp || ip->is_fragment()) return std::nullopt;
    received.key.local = IpAddress::of(ip->destination);
    received.key.remote = IpAddress::of(ip->source);
    received.offset = static_cast<uint32_t>(EthernetHeader::kSize + ip->header_length);
    received.length = static_cast<uint32_t>(ip->payload_length());
    received.congestion_experienced = (packet[1] & std::byte{3}) == std::byte{3};
    return received;
  }
  if (ethernet->type != kIpv6 || packet.size() < kIpv6Header) return std::nullopt;
  const std::byte* const ip = packet.data();
  received.length = load_be16(ip + 4);
  if (static_cast<uint8_t>(ip[0]) >> 4 != 6 || ip[6] != std::byte{Ipv4Header::kTcp} ||
      received.length > packet.size() - kIpv6Header)
    return std::nullopt;
  received.key.remote = IpAddress::load_v6(ip + 8);
  received.key.local = IpAddress::load_v6(ip + 24);
  received.offset = static_cast<uint32_t>(EthernetHeader::kSize + kIpv6Header);
  received.congestion_experienced = (ip[1] & std::byte{0x30}) == std::byte{0x30};
  return received;
}

}  // namespace plumbline::net::simulator
