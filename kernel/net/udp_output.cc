// UDP datagrams that go out: in one packet to a neighbour that is known, or as an answer.
#include <utility>

#include "net/interface.hh"

namespace plumbline::net {

namespace {
constexpr size_t kIpAt = EthernetHeader::kSize;
constexpr size_t kSourceAt = kIpAt + 12;  // the IPv4 addresses, source and destination
constexpr size_t kUdpAt = EthernetHeader::kSize + Ipv4Header::kSize;
}  // namespace

[[gnu::always_inline]] inline void Interface::emit_udp(PacketBuffer* buffer, const UdpRoute& route,
                                                       size_t payload_length) const {
  // Whole words, put together in registers: the 42 bytes of headers take six stores.
  const auto length = static_cast<uint16_t>(UdpHeader::kSize + payload_length);
  const uint16_t wire_length = byte_swap(length);
  std::byte* const at = buffer->data;
  std::byte* const udp = at + kUdpAt;
  buffer->length = static_cast<uint32_t>(kUdpAt + length);
  buffer->checksum = ChecksumState::kUnknown;
  // Destination, own address, type; version, header length, type of service.
  store_unaligned(at, wire_.start | route.mac);
  store_unaligned(at + 8, wire_.start_rest);
  // Total length; identification 0; "do not fragment"; time to live, protocol. Never to be
  // fragmented, so the identification means nothing and may be 0 (RFC 6864, 4.1).
  const uint64_t middle = byte_swap(static_cast<uint16_t>(Ipv4Header::kSize + length)) |
                          uint64_t{0x0040} << 32 |
                          uint64_t{Ipv4Header::kDefaultTimeToLive | Ipv4Header::kUdp << 8} << 48;
  const uint64_t addresses = route.addresses;
  store_unaligned(at + kIpAt + 2, middle);
  store_native16(at + kIpAt + 10,
                 finish_checksum(add_with_carry(add_with_carry(middle, addresses), 0x0045)));
  store_unaligned(at + kSourceAt, addresses);
  const uint64_t header = route.ports | uint64_t{wire_length} << 32;
  if (configuration_.udp_checksum == UdpChecksum::kZero) {
    store_unaligned(udp, header);
    return;
  }
  const uint64_t pseudo = udp_pseudo_sum(addresses, wire_length);
  if (configuration_.transmit_checksum) {
    // The device sums from the UDP header on; the field starts out with the pseudo header's sum,
    // not complemented (virtio 1.2, section 5.1.6.2.2).
    store_unaligned(udp, header | uint64_t{fold_sum(pseudo)} << 48);
    buffer->checksum = ChecksumState::kPartial;
    buffer->checksum_start = kUdpAt;
    buffer->checksum_offset = UdpHeader::kChecksumOffset;
  } else {
    store_unaligned(udp, header);
    const uint16_t checksum = finish_checksum(sum_bytes({udp, length}, pseudo));
    store_native16(udp + UdpHeader::kChecksumOffset, checksum == 0 ? 0xffff : checksum);
  }
}

bool Interface::send_udp(uint16_t source_port, UdpEndpoint to, std::span<const std::byte> payload,
                         Transmit& out, const UdpSendOptions& options) {
  const Ipv4Prefix& own = configuration_.address;
  // One packet with the usual header to a host of our network that is known: what nearly all are.
  if (options == UdpSendOptions{} && own.contains(to.address) && !own.is_broadcast(to.address) &&
      UdpHeader::kSize + payload.size() <= configuration_.mtu - Ipv4Header::kSize) [[likely]] {
    const ArpTable::Use known = arp_.use(to.address, now());
    if (known.ask) send_arp_request(to.address, out);
    if (!known.mac.is_zero()) [[likely]] {
      PacketBuffer* const buffer = allocate(kUdpHeaders, out);
      if (buffer == nullptr) return false;
      if (!payload.empty()) std::memcpy(buffer->data + kUdpHeaders, payload.data(), payload.size());
      uint64_t mac = 0;
      std::memcpy(&mac, known.mac.octets.data(), known.mac.octets.size());
      emit_udp(buffer, {mac, own.address, source_port, to.address, to.port}, payload.size());
      ++statistics_.udp_sent;
      out.push(buffer);
      return true;
    }
  }
  return send_any_udp(source_port, to, payload, out, options);
}

PacketBuffer* Interface::make_datagram(uint16_t source_port, UdpEndpoint to, PayloadWriter write,
                                       void* context) {
  const uint64_t mac = arp_.recent(to.address, now());
  if (mac == 0) [[unlikely]]
    return nullptr;
  PacketBuffer* const buffer = pool_->allocate();
  if (buffer == nullptr) [[unlikely]]
    return nullptr;
  std::byte* const payload = buffer->data + kUdpHeaders;
  const size_t room = size_t{configuration_.mtu} - Ipv4Header::kSize - UdpHeader::kSize;
  const std::byte* const end = write(context, payload, room);
  if (end == nullptr) [[unlikely]] {
    pool_->release(buffer);
    return nullptr;
  }
  emit_udp(buffer, {mac, configuration_.address.address, source_port, to.address, to.port},
           static_cast<size_t>(end - payload));
  ++statistics_.udp_sent;
  return buffer;
}

void Interface::emit_udp_to(PacketBuffer* buffer, const Route& route, uint16_t source_port,
                            uint16_t destination_port, size_t payload_length) const {
  emit_udp(buffer, {route, source_port, destination_port}, payload_length);
}

void UdpResponder::refuse() {
  --interface_.statistics_.udp_received;
  ++interface_.statistics_.no_port;
  if (request_ == nullptr) return;
  PacketBuffer* const frame = std::exchange(request_, nullptr);
  const auto ip = Ipv4Header::parse(frame->bytes().subspan(kIpAt));
  // Broadcasts are refused silently (RFC 1122, 3.2.2).
  if (ip && ip->destination == interface_.configuration_.address.address)
    interface_.send_port_unreachable(*ip, frame, out_);
  else
    interface_.pool_->release(frame);
}

void UdpResponder::reply_in_place(size_t length) {
  ASSERT(request_ != nullptr && length <= room().size());
  PacketBuffer* const buffer = request_;
  request_ = nullptr;
  // With IPv4 options in the request the new headers start further up.
  buffer->data = datagram_.payload.data() - Interface::kUdpHeaders;
  interface_.emit_udp(buffer, reply_route(), length);
  ++interface_.statistics_.udp_sent;
  out_.push(buffer);
}

std::span<std::byte> UdpResponder::room(PacketBuffer* buffer) const {
  return {buffer->data + Interface::kUdpHeaders, maximum_payload()};
}

void UdpResponder::reply_from(PacketBuffer* buffer, size_t length) {
  ASSERT(length <= maximum_payload());
  interface_.emit_udp(buffer, reply_route(), length);
  ++interface_.statistics_.udp_sent;
  out_.push(buffer);
}

bool UdpResponder::reply(std::span<const std::byte> payload) {
  const uint64_t mac = mac_;
  const Interface::Route route{MacAddress::load(reinterpret_cast<const std::byte*>(&mac)),
                               datagram_.destination.address, datagram_.source.address};
  return interface_.send_datagram(route, datagram_.destination.port, datagram_.source.port, payload,
                                  out_);
}

}  // namespace plumbline::net
