// UDP datagrams that go out: in one packet to a neighbour that is known, or as an answer.
#include <utility>

#include "net/emit_udp.hh"
#include "net/interface.hh"

namespace plumbline::net {

namespace {
constexpr size_t kIpAt = EthernetHeader::kSize;
}  // namespace

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
