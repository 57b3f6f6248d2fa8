#include "net/interface.hh"

#include <algorithm>

namespace plumbline::net {

namespace {
constexpr size_t kIpAt = EthernetHeader::kSize;
constexpr size_t kUdpAt = EthernetHeader::kSize + Ipv4Header::kSize;
}  // namespace

Interface::Interface(const InterfaceConfiguration& configuration, BufferPool& pool,
                     std::span<std::byte> reassembly_memory)
    : configuration_(configuration), pool_(&pool), reassembler_(reassembly_memory), arp_(pool) {
  ASSERT(configuration.mtu >= 576 && configuration.mtu <= 1500);
  static_assert(BufferPool::kCapacity >= EthernetHeader::kSize + 1500);
}

bool Interface::bind(uint16_t port, const UdpHandler& handler) {
  if (port == 0 || port_count_ == kMaximumPorts) return false;
  const auto end = ports_.begin() + static_cast<ptrdiff_t>(port_count_);
  if (std::find(ports_.begin(), end, port) != end) return false;
  handlers_[port_count_] = handler;
  ports_[port_count_++] = port;
  return true;
}

void Interface::receive(std::span<PacketBuffer* const> frames, Transmit& out) {
  while (!frames.empty()) {
    const size_t burst = std::min(frames.size(), kBurst);
    size_t count = 0;
    for (size_t i = 0; i < burst; ++i) count += classify(frames[i], pending_[count], out);
    for (size_t i = 0; i < count; ++i) {
      const Pending& pending = pending_[i];
      if (pending.handler->prefetch != nullptr)
        pending.handler->prefetch(pending.handler->context, pending.datagram.hint);
    }
    for (size_t i = 0; i < count; ++i) run(pending_[i], out);
    frames = frames.subspan(burst);
  }
}

bool Interface::classify(PacketBuffer* frame, Pending& pending, Transmit& out) {
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
  if (ethernet->type != EthernetHeader::kIpv4 || ethernet->destination != configuration_.mac ||
      ethernet->source.is_group()) [[unlikely]] {
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
  if (ip->destination != own.address || ip->source == own.address || ip->source.is_zero() ||
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
  size_t port = 0;
  while (port < port_count_ && ports_[port] != udp->destination_port) ++port;
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

void Interface::run(Pending& pending, Transmit& out) {
  // The frame's Ethernet header is where it was, whatever IPv4 options stand behind it.
  UdpResponder responder(*this, out, pending.datagram, MacAddress::load(pending.frame->data + 6));
  pending.handler->receive(pending.handler->context, pending.datagram, responder);
  if (responder.request_ != nullptr) pool_->release(responder.request_);
}

void Interface::receive_fragment(const Ipv4Header& ip, std::span<std::byte> payload,
                                 PacketBuffer* frame, Transmit& out) {
  const auto whole = reassembler_.add(ip, payload, now());
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
      UdpResponder responder(*this, out, pending.datagram, MacAddress::load(frame->data + 6));
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

void Interface::receive_icmp(const Ipv4Header& ip, std::span<std::byte> message,
                             PacketBuffer* frame, bool in_frame, Transmit& out) {
  const auto icmp = IcmpHeader::parse(message);
  if (!icmp) {
    ++statistics_.malformed;
    pool_->release(frame);
    return;
  }
  if (icmp->type != IcmpHeader::kEcho || icmp->code != 0) {
    ++statistics_.not_for_us;
    pool_->release(frame);
    return;
  }
  // Only the type changes, so the checksum needs no second look at the data (RFC 1624).
  message[0] = std::byte{IcmpHeader::kEchoReply};
  store_native16(message.data() + 2, update_checksum(load_native16(message.data() + 2),
                                                     IcmpHeader::kEcho, IcmpHeader::kEchoReply));
  ++statistics_.echo_replies;
  const Route route{MacAddress::load(frame->data + 6), ip.destination, ip.source};
  if (!in_frame) {
    send_fragments(route, Ipv4Header::kIcmp, {}, message, out);
    pool_->release(frame);
    return;
  }
  // A new header without options goes directly in front of the message.
  frame->data = message.data() - kUdpAt;
  frame->length = static_cast<uint32_t>(kUdpAt + message.size());
  frame->checksum = ChecksumState::kUnknown;
  emit_headers(frame, route, Ipv4Header::kIcmp);
  out.push(frame);
}

void Interface::send_port_unreachable(const Ipv4Header& ip, PacketBuffer* frame, Transmit& out) {
  const uint64_t time = now();
  if (time - unreachable_refilled_ >= ArpTable::kSecond) {
    unreachable_refilled_ = time;
    unreachable_tokens_ = kUnreachablePerSecond;
  }
  if (unreachable_tokens_ == 0) {
    pool_->release(frame);
    return;
  }
  --unreachable_tokens_;
  // The message quotes the packet's IPv4 header and its first 8 bytes (RFC 792), which are there:
  // the UDP header was parsed.
  const size_t quoted = size_t{ip.header_length} + 8;
  const Route route{MacAddress::load(frame->data + 6), ip.destination, ip.source};
  std::byte* const message = frame->data + kUdpAt;
  std::memmove(message + IcmpHeader::kSize, frame->data + kIpAt, quoted);
  IcmpHeader{IcmpHeader::kDestinationUnreachable, IcmpHeader::kCodePortUnreachable, 0}.emit(
      {message, IcmpHeader::kSize + quoted});
  frame->length = static_cast<uint32_t>(kUdpAt + IcmpHeader::kSize + quoted);
  frame->checksum = ChecksumState::kUnknown;
  emit_headers(frame, route, Ipv4Header::kIcmp);
  ++statistics_.unreachable_sent;
  out.push(frame);
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

void Interface::emit_udp(PacketBuffer* buffer, const Route& route, uint16_t source_port,
                         uint16_t destination_port, size_t payload_length) const {
  const auto length = static_cast<uint16_t>(UdpHeader::kSize + payload_length);
  std::byte* const udp = buffer->data + kUdpAt;
  buffer->length = static_cast<uint32_t>(kUdpAt + length);
  buffer->checksum = ChecksumState::kUnknown;
  emit_headers(buffer, route, Ipv4Header::kUdp);
  UdpHeader{source_port, destination_port, length, false}.emit(udp);
  if (configuration_.udp_checksum == UdpChecksum::kZero) return;
  if (configuration_.transmit_checksum) {
    // The device sums from the UDP header on; the field starts out with the pseudo header's sum,
    // not complemented (virtio 1.2, section 5.1.6.2.2).
    store_native16(
        udp + UdpHeader::kChecksumOffset,
        fold_sum(pseudo_header_sum(route.source, route.destination, Ipv4Header::kUdp, length)));
    buffer->checksum = ChecksumState::kPartial;
    buffer->checksum_start = kUdpAt;
    buffer->checksum_offset = UdpHeader::kChecksumOffset;
  } else {
    store_native16(udp + UdpHeader::kChecksumOffset,
                   udp_checksum({udp, length}, route.source, route.destination));
  }
}

void Interface::forget() {
  reassembler_.clear();
  arp_.clear();
  unreachable_tokens_ = kUnreachablePerSecond;
  unreachable_refilled_ = 0;
  identification_ = 0;
}

std::span<std::byte> UdpResponder::room() const {
  if (request_ == nullptr) return {};
  std::byte* const payload = datagram_.payload.data();
  const auto used = static_cast<size_t>(payload - request_->memory);
  const size_t left = PacketBuffer::kHeadroom + request_->capacity - used;
  return {payload, std::min(left, maximum_payload())};
}

void UdpResponder::reply_in_place(size_t length) {
  ASSERT(request_ != nullptr && length <= room().size());
  PacketBuffer* const buffer = request_;
  request_ = nullptr;
  // With IPv4 options in the request the new headers start further up.
  buffer->data = datagram_.payload.data() - Interface::kUdpHeaders;
  interface_.emit_udp(buffer, route(), datagram_.destination.port, datagram_.source.port, length);
  ++interface_.statistics_.udp_sent;
  out_.push(buffer);
}

std::span<std::byte> UdpResponder::room(PacketBuffer* buffer) const {
  return {buffer->data + Interface::kUdpHeaders, maximum_payload()};
}

void UdpResponder::reply_from(PacketBuffer* buffer, size_t length) {
  ASSERT(length <= maximum_payload());
  interface_.emit_udp(buffer, route(), datagram_.destination.port, datagram_.source.port, length);
  ++interface_.statistics_.udp_sent;
  out_.push(buffer);
}

bool UdpResponder::reply(std::span<const std::byte> payload) {
  return interface_.send_datagram(route(), datagram_.destination.port, datagram_.source.port,
                                  payload, out_);
}

}  // namespace plumbline::net
