// ICMP (RFC 792): echoes, and errors both ways.
#include "net/interface.hh"

namespace plumbline::net {

namespace {
constexpr size_t kIpAt = EthernetHeader::kSize;
constexpr size_t kUdpAt = EthernetHeader::kSize + Ipv4Header::kSize;
}  // namespace

void Interface::receive_icmp(const Ipv4Header& ip, std::span<std::byte> message,
                             PacketBuffer* frame, bool in_frame, Transmit& out) {
  const auto icmp = IcmpHeader::parse(message);
  if (!icmp) {
    ++statistics_.malformed;
    pool_->release(frame);
    return;
  }
  if (icmp->type != IcmpHeader::kEcho || icmp->code != 0) {
    const auto error = parse_icmp_error(*icmp, message.subspan(IcmpHeader::kSize));
    if (error)
      report(*error);
    else
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

// Who sent the packet decides whether the message can be true; a narrow path is remembered only
// when it may.
void Interface::report(const IcmpError& error) {
  if (error.local.is_v4() && error.local != own_ip_) return;
  ++statistics_.errors_received;
  const ErrorHandler& handler = error.protocol == Ipv4Header::kTcp ? tcp_errors_ : udp_errors_;
  if (handler.report == nullptr || !handler.report(handler.context, error)) return;
  if (error.error == Errno::kEMSGSIZE && configuration_.path_mtus != nullptr)
    configuration_.path_mtus->note(error.remote, error.mtu, now());
}

uint16_t Interface::path_mtu(const IpAddress& to) const {
  if (!to.is_v4()) return ipv6_ ? ipv6_->path_mtu(to) : configuration_.mtu;
  const uint16_t link = configuration_.mtu;
  if (configuration_.path_mtus == nullptr) return link;
  // Between us and a neighbour is nobody who could refuse a packet.
  if (configuration_.address.contains(to.v4())) return link;
  return configuration_.path_mtus->find(to, link, now());
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

}  // namespace plumbline::net
