#include "net/interface.hh"

#include <algorithm>
#include <utility>

namespace plumbline::net {

namespace {
constexpr size_t kIpAt = EthernetHeader::kSize;
constexpr size_t kSourceAt = kIpAt + 12;  // the IPv4 addresses, source and destination
constexpr size_t kUdpAt = EthernetHeader::kSize + Ipv4Header::kSize;

// A MAC address in the lower six bytes of a word, as it lies on the wire.
uint64_t load_mac(const std::byte* at) {
  return load_unaligned<uint32_t>(at) | uint64_t{load_unaligned<uint16_t>(at + 4)} << 32;
}
}  // namespace

Interface::Interface(const InterfaceConfiguration& configuration, BufferPool& pool,
                     std::span<std::byte> reassembly_memory)
    : configuration_(configuration), pool_(&pool), reassembler_(reassembly_memory), arp_(pool) {
  ASSERT(configuration.mtu >= 576 && configuration.mtu <= 1500);
  static_assert(BufferPool::kCapacity >= EthernetHeader::kSize + 1500);
  const Ipv4Prefix& own = configuration.address;
  std::memcpy(&wire_.own_mac, configuration.mac.octets.data(), 6);
  wire_.own_address = byte_swap(own.address.value);
  own_ip_ = IpAddress::of(own.address);
  // Networks without a broadcast address have 0 here, which is no sender either.
  wire_.broadcast = own.length < 31 ? byte_swap(own.address.value | ~own.mask()) : 0;
  std::array<std::byte, 16> start;
  EthernetHeader{{}, configuration.mac, EthernetHeader::kIpv4}.emit(start.data());
  store_be16(start.data() + kIpAt, 0x4500);
  wire_.start = load_unaligned<uint64_t>(start.data());
  wire_.start_rest = load_unaligned<uint64_t>(start.data() + 8);
  if (configuration.ipv6 == nullptr) return;
  Ipv6Layer::Configuration layer;
  layer.mac = configuration.mac;
  layer.mtu = configuration.mtu;
  layer.queue = configuration.queue;
  layer.queues = configuration.queues;
  layer.first_identification = configuration.first_identification;
  layer.now = configuration.now;
  layer.path_mtus = configuration.path_mtus;
  ipv6_.emplace(layer, *configuration.ipv6, pool, reassembler_);
}

bool Interface::bind(uint16_t port, const UdpHandler& handler) {
  if (port == 0 || port_count_ == kMaximumPorts) return false;
  const auto end = ports_.begin() + static_cast<ptrdiff_t>(port_count_);
  if (std::find(ports_.begin(), end, port) != end) return false;
  handlers_[port_count_] = handler;
  prefetches_ = prefetches_ || handler.prefetch != nullptr;
  ports_[port_count_++] = port;
  return true;
}

// The common frame, an unfragmented UDP datagram to this host without IPv4 options, is recognised
// by comparing a few words, as they lie on the wire, with what is known in advance. What differs
// anywhere goes to classify_any(), which says what to do with it; the two agree on every frame
// (classify_test.cc holds them to it).
[[gnu::always_inline]] inline bool Interface::classify(PacketBuffer* frame, Pending& pending,
                                                       Transmit& out) {
  const std::byte* const at = frame->data;
  const size_t length = frame->length;
  if (frame->next != nullptr || length < kUdpHeaders) [[unlikely]]
    return classify_others(frame, pending, out);
  // Bytes 0 to 7: destination, and the first byte of the source, whose lowest bit is the group bit.
  // Bytes 12 to 14: type, version and header length. Bytes 20 to 23: fragment, protocol.
  const uint64_t addresses = load_unaligned<uint64_t>(at + kSourceAt);
  const bool common = (load_unaligned<uint64_t>(at) & 0x0001'ffff'ffff'ffff) == wire_.own_mac &&
                      (load_unaligned<uint32_t>(at + 12) & 0x00ff'ffff) == 0x45'0008 &&
                      (load_unaligned<uint32_t>(at + 20) & 0xff00'ff3f) == 0x1100'0000 &&
                      static_cast<uint32_t>(addresses >> 32) == wire_.own_address;
  const size_t total = load_be16(at + kIpAt + 2);
  const size_t segment = load_be16(at + kUdpAt + 4);
  // `total` may be too short to hold a header: then it is too short for the segment as well.
  if (!common || total > length - kIpAt || segment < UdpHeader::kSize ||
      segment + Ipv4Header::kSize > total || !is_sender(static_cast<uint32_t>(addresses)))
      [[unlikely]]
    return classify_others(frame, pending, out);
  // The header's words but the addresses, then those; right is what sums up to all ones.
  uint64_t sum = add_with_carry(load_unaligned<uint64_t>(at + kIpAt), addresses);
  sum = add_with_carry(sum, load_unaligned<uint32_t>(at + kIpAt + 8));
  if (fold_sum(sum) != 0xffff) [[unlikely]]
    return classify_any(frame, pending, out);
  const std::byte* const udp = at + kUdpAt;
  if (frame->checksum != ChecksumState::kValid && load_native16(udp + 6) != 0) {
    const uint64_t pseudo = udp_pseudo_sum(addresses, load_native16(udp + 4));
    if (fold_sum(sum_bytes({udp, segment}, pseudo)) != 0xffff) [[unlikely]]
      return classify_any(frame, pending, out);
  }
  const uint32_t ports = load_unaligned<uint32_t>(udp);
  const uint16_t destination_port = byte_swap(static_cast<uint16_t>(ports >> 16));
  const size_t port = find_port(destination_port);
  if (port == port_count_ || static_cast<uint16_t>(ports) == 0) [[unlikely]]
    return classify_any(frame, pending, out);
  ++statistics_.udp_received;
  const UdpHandler& handler = handlers_[port];
  pending.handler = &handler;
  pending.frame = frame;
  UdpDatagram& datagram = pending.datagram;
  // Field by field: whole endpoints would be put together in a register, with their padding.
  datagram.source.address.value = byte_swap(static_cast<uint32_t>(addresses));
  datagram.source.port = byte_swap(static_cast<uint16_t>(ports));
  datagram.destination.address = configuration_.address.address;
  datagram.destination.port = destination_port;
  datagram.payload = {frame->data + kUdpHeaders, segment - UdpHeader::kSize};
  datagram.buffer = frame;
  datagram.hint =
      handler.prepare != nullptr ? handler.prepare(handler.context, datagram.payload) : 0;
  return true;
}

inline void Interface::run(Pending& pending, Transmit& out) {
  // The frame's Ethernet header is where it was, whatever IPv4 options stand behind it.
  UdpResponder responder(*this, out, pending.datagram, load_mac(pending.frame->data + 6));
  pending.handler->receive(pending.handler->context, pending.datagram, responder);
  if (responder.request_ != nullptr) pool_->release(responder.request_);
}

void Interface::receive(std::span<PacketBuffer* const> frames, Transmit& out) {
  while (!frames.empty()) {
    const size_t burst = std::min(frames.size(), kBurst);
    size_t count = 0;
    for (size_t i = 0; i < burst; ++i) count += classify(frames[i], pending_[count], out);
    for (size_t i = 0; i < count && prefetches_; ++i) {
      const Pending& pending = pending_[i];
      if (pending.handler->prefetch != nullptr)
        pending.handler->prefetch(pending.handler->context, pending.datagram.hint);
    }
    for (size_t i = 0; i < count; ++i) run(pending_[i], out);
    frames = frames.subspan(burst);
  }
}

bool Interface::classify_others(PacketBuffer* frame, Pending& pending, Transmit& out) {
  if (tcp_receive_ != nullptr && classify_tcp(frame)) return false;
  return classify_any(frame, pending, out);
}

bool Interface::classify_any(PacketBuffer* frame, Pending& pending, Transmit& out) {
  if (ipv6_ && frame->length >= EthernetHeader::kSize &&
      load_be16(frame->data + 12) == EthernetHeader::kIpv6) {
    receive_ipv6(frame, out);
    return false;
  }
  if (frame->next != nullptr) [[unlikely]] {
    ++statistics_.chained;
    pool_->release_chain(frame);
    return false;
  }
  const std::span<std::byte> bytes = frame->bytes();
  const auto ethernet = EthernetHeader::parse(bytes);
  if (!ethernet) [[unlikely]] {
    ++statistics_.malformed;
    pool_->release(frame);
    return false;
  }
  if (ethernet->type == EthernetHeader::kArp) [[unlikely]] {
    receive_arp(frame, out);
    return false;
  }
  // An IPv4 unicast packet in a link-layer broadcast is discarded (RFC 1122, 3.3.6); so are group
  // addresses as the source, to which an answer would go.
  const bool to_us =
      ethernet->destination == configuration_.mac ||
      (configuration_.accept_broadcast && ethernet->destination == MacAddress::broadcast());
  if (ethernet->type != EthernetHeader::kIpv4 || !to_us || ethernet->source.is_group())
      [[unlikely]] {
    ++statistics_.not_for_us;
    pool_->release(frame);
    return false;
  }
  const auto packet = bytes.subspan(kIpAt);
  const auto ip = Ipv4Header::parse(packet);
  if (!ip) [[unlikely]] {
    ++statistics_.malformed;
    pool_->release(frame);
    return false;
  }
  const Ipv4Prefix& own = configuration_.address;
  const bool for_us = ethernet->destination == configuration_.mac
                          ? ip->destination == own.address
                          : is_broadcast_for_us(*ip, ethernet->destination);
  if (!for_us || ip->source == own.address || ip->source.is_zero() ||
      ip->source.is_class_d_or_e() || ip->source.is_loopback() || own.is_broadcast(ip->source))
      [[unlikely]] {
    ++statistics_.not_for_us;
    pool_->release(frame);
    return false;
  }
  const auto payload = packet.subspan(ip->header_length, ip->payload_length());
  if (ip->is_fragment()) [[unlikely]] {
    receive_fragment(*ip, payload, frame, out);
    return false;
  }
  if (ip->protocol == Ipv4Header::kUdp) [[likely]] {
    if (!receive_udp(*ip, payload, frame, pending, out)) return false;
    if (pending.handler->prepare != nullptr)
      pending.datagram.hint =
          pending.handler->prepare(pending.handler->context, pending.datagram.payload);
    return true;
  }
  if (ip->protocol == Ipv4Header::kIcmp) {
    receive_icmp(*ip, payload, frame, true, out);
    return false;
  }
  // With IPv4 options: all of the packet is in this buffer.
  if (ip->protocol == Ipv4Header::kTcp && tcp_receive_ != nullptr &&
      ethernet->destination == configuration_.mac) {
    deliver_tcp(frame, static_cast<size_t>(payload.data() - frame->data), payload.size(),
                ip->source, static_cast<uint8_t>(packet[1]));
    return false;
  }
  ++statistics_.not_for_us;
  pool_->release(frame);
  return false;
}

bool Interface::receive_udp(const Ipv4Header& ip, std::span<std::byte> segment,
                            PacketBuffer* buffer, Pending& pending, Transmit& out) {
  const auto udp = UdpHeader::parse(segment);
  if (!udp) [[unlikely]] {
    ++statistics_.malformed;
    if (buffer != nullptr) pool_->release(buffer);
    return false;
  }
  // The IPv4 payload may be longer than the UDP length says: the rest is not data.
  segment = segment.first(udp->length);
  const bool vouched = buffer != nullptr && buffer->checksum == ChecksumState::kValid;
  if (udp->checksummed && !vouched && !udp_checksum_valid(segment, ip.source, ip.destination))
      [[unlikely]] {
    ++statistics_.bad_checksum;
    if (buffer != nullptr) pool_->release(buffer);
    return false;
  }
  const size_t port = find_port(udp->destination_port);
  // A source port of 0 says "no answer expected" (RFC 768); nothing we serve works without one.
  if (port == port_count_ || udp->source_port == 0) [[unlikely]] {
    ++statistics_.no_port;
    if (buffer != nullptr) send_port_unreachable(ip, buffer, out);
    return false;
  }
  ++statistics_.udp_received;
  pending.datagram = {{ip.source, udp->source_port},
                      {ip.destination, udp->destination_port},
                      segment.subspan(UdpHeader::kSize),
                      buffer,
                      0};
  pending.handler = &handlers_[port];
  pending.frame = buffer;
  return true;
}

void Interface::receive_fragment(const Ipv4Header& ip, std::span<std::byte> payload,
                                 PacketBuffer* frame, Transmit& out) {
  const auto whole = reassembler_.add(Fragment::of(ip), payload, now());
  if (!whole) {
    pool_->release(frame);
    return;
  }
  if (ip.protocol == Ipv4Header::kUdp) {
    Pending pending;
    if (receive_udp(ip, *whole, nullptr, pending, out)) {
      if (pending.handler->prepare != nullptr)
        pending.datagram.hint =
            pending.handler->prepare(pending.handler->context, pending.datagram.payload);
      UdpResponder responder(*this, out, pending.datagram, load_mac(frame->data + 6));
      pending.handler->receive(pending.handler->context, pending.datagram, responder);
    }
    pool_->release(frame);
  } else if (ip.protocol == Ipv4Header::kIcmp) {
    receive_icmp(ip, *whole, frame, false, out);
  } else {
    ++statistics_.not_for_us;
    pool_->release(frame);
  }
}

bool Interface::is_broadcast_for_us(const Ipv4Header& ip, MacAddress to) const {
  constexpr uint32_t kLimited = ~uint32_t{0};  // RFC 919
  return to == MacAddress::broadcast() && ip.protocol == Ipv4Header::kUdp &&
         (ip.destination.value == kLimited || configuration_.address.is_broadcast(ip.destination));
}

void Interface::emit_headers(PacketBuffer* buffer, const Route& route, uint8_t protocol) const {
  std::byte* const at = buffer->data;
  EthernetHeader{route.mac, configuration_.mac, EthernetHeader::kIpv4}.emit(at);
  Ipv4Header ip;
  ip.total_length = static_cast<uint16_t>(buffer->length - kIpAt);
  // Never to be fragmented, so the identification means nothing and may be 0 (RFC 6864, 4.1).
  ip.dont_fragment = true;
  ip.protocol = protocol;
  ip.source = route.source;
  ip.destination = route.destination;
  ip.emit(at + kIpAt);
}

void Interface::forget() {
  reassembler_.clear();
  arp_.clear();
  if (ipv6_) ipv6_->forget();
  unreachable_tokens_ = kUnreachablePerSecond;
  unreachable_refilled_ = 0;
  identification_ = 0;
}

}  // namespace plumbline::net
