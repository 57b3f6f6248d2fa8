// ICMPv6 (RFC 4443), neighbour discovery (RFC 4861, 4862) and the groups we listen to (RFC 3810).
#include <algorithm>
#include <cstring>

#include "net/ip/ipv6_packet.hh"

namespace plumbline::net {

using namespace icmpv6_types;

namespace {
constexpr size_t kIpAt = EthernetHeader::kSize;
constexpr size_t kChecksumAt = 2;
constexpr uint8_t kDiscoveryHopLimit = 255;
// Of multicast listener discovery (RFC 3810, section 5).
constexpr uint8_t kListenerQuery = 130, kListenerReport = 143;
constexpr uint8_t kModeIsExclude = 2;
constexpr IpAddress kReportRouters = IpAddress::of_v6(0xff02'0000'0000'0000, 0x16);
constexpr uint32_t kErrorsPerSecond = 1000;

}  // namespace

void Ipv6Layer::send_message(PacketBuffer* buffer, MacAddress to, const Header& header,
                             size_t length, Transmit& out) {
  std::byte* const at = buffer->data;
  uint64_t mac = 0;
  to.store(reinterpret_cast<std::byte*>(&mac));
  put_headers(at, mac, header, static_cast<uint32_t>(length));
  std::byte* const message = at + kHeaders;
  const uint64_t pseudo = ipv6_pseudo_sum(header.source, header.destination, ipv6_headers::kIcmp,
                                          static_cast<uint32_t>(length));
  store_native16(message + kChecksumAt, 0);
  store_native16(message + kChecksumAt, finish_checksum(sum_bytes({message, length}, pseudo)));
  buffer->length = static_cast<uint32_t>(kHeaders + length);
  buffer->checksum = ChecksumState::kUnknown;
  out.push(buffer);
}

Ipv6Layer::Arrival Ipv6Layer::receive_icmp(Packet& packet, Message message, Transmit& out) {
  Arrival arrival;
  const Ipv6Header& ip = packet.ip;
  const uint64_t pseudo = ipv6_pseudo_sum(ip.source, ip.destination, ipv6_headers::kIcmp,
                                          static_cast<uint32_t>(message.size()));
  if (message.size() < IcmpHeader::kSize || finish_checksum(sum_bytes(message, pseudo)) != 0) {
    ++statistics_.bad_checksum;
    release_chain(packet.frame);
    return arrival;
  }
  const auto type = static_cast<uint8_t>(message[0]);
  // Fragments are no way to say where somebody is (RFC 6980).
  const bool discovery = type >= kRouterSolicitation && type <= kRedirect;
  if (discovery && !packet.in_frame) return drop(packet.frame);
  switch (type) {
    case kEcho:
      if (message[1] != std::byte{0} || ip.source.is_unspecified()) return drop(packet.frame);
      answer_echo(packet, message, out);
      return arrival;
    case kNeighbourSolicitation:
      receive_solicitation(packet, message, out);
      return arrival;
    case kNeighbourAdvertisement:
      arrival.answered = receive_advertisement(packet, message, out, arrival);
      break;
    case kRouterAdvertisement:
      receive_router(packet, message, out);
      break;
    case kRedirect:
      receive_redirect(packet, message, out);
      break;
    case kListenerQuery:
      if (ip.hop_limit == 1 && ip.source.is_link_local_v6()) report_groups(kModeIsExclude, out);
      break;
    default: {
      if (type >= kFirstInformational) return drop(packet.frame);
      const IcmpHeader header{type, static_cast<uint8_t>(message[1]), load_be32(&message[4])};
      const auto error = parse_icmpv6_error(header, message.subspan(IcmpHeader::kSize));
      if (!error || state().find_own(error->local) == nullptr) return drop(packet.frame);
      arrival.kind = Arrival::kError;
      arrival.error = *error;
      return arrival;
    }
  }
  pool_->release(packet.frame);
  return arrival;
}

void Ipv6Layer::answer_echo(Packet& packet, Message message, Transmit& out) {
  const Ipv6Header& ip = packet.ip;
  Header header;
  header.protocol = ipv6_headers::kIcmp;
  header.destination = ip.source;
  header.source = ip.destination;
  header.hop_limit = state().hop_limit;
  if (ip.destination.is_multicast()) {
    const Ipv6State::Own* const own = state().source_for(ip.source, now());
    if (own == nullptr) {
      pool_->release(packet.frame);
      return;
    }
    header.source = own->address;
  }
  ++statistics_.echo_replies;
  message[0] = std::byte{kEchoReply};
  const MacAddress sender = packet.sender();
  if (packet.in_frame) {
    // New headers go directly in front of the message, whatever stood between.
    packet.frame->data = message.data() - kHeaders;
    send_message(packet.frame, sender, header, message.size(), out);
    return;
  }
  pool_->release(packet.frame);
  store_native16(&message[kChecksumAt], 0);
  const uint64_t pseudo = ipv6_pseudo_sum(header.source, header.destination, ipv6_headers::kIcmp,
                                          static_cast<uint32_t>(message.size()));
  store_native16(&message[kChecksumAt], finish_checksum(sum_bytes(message, pseudo)));
  send_bytes(header, {}, message, out);
}

void Ipv6Layer::receive_solicitation(const Packet& packet, Message message, Transmit& out) {
  const Ipv6Header& ip = packet.ip;
  const auto solicitation = parse_neighbour_solicitation(ip, message);
  const Ipv6State::Own* const own = solicitation ? state().find_own(solicitation->target) : nullptr;
  if (own == nullptr) {
    drop(packet.frame);
    return;
  }
  const MacAddress sender = packet.sender();
  const bool asks_if_free = ip.source.is_unspecified();
  // Two ask for the same address at the same time: neither gets it. Our own question may come back
  // to us.
  if (asks_if_free && !own->unique) {
    if (sender != configuration_.mac) host_->claimed(solicitation->target);
    pool_->release(packet.frame);
    return;
  }
  NeighbourAdvertisement advertisement;
  advertisement.target = solicitation->target;
  advertisement.mac = configuration_.mac;
  advertisement.solicited = !asks_if_free;
  // Who is not sure yet takes no neighbour away from another (RFC 4429, section 3.3).
  advertisement.overrides = own->unique;
  recent_ = {};
  if (!solicitation->mac.is_zero())
    push_waiting(neighbours_.learn(ip.source, solicitation->mac, now()), solicitation->mac, out);
  ++statistics_.neighbour_advertisements;
  PacketBuffer* const frame = packet.frame;
  Header header;
  header.protocol = ipv6_headers::kIcmp;
  header.hop_limit = kDiscoveryHopLimit;
  header.source = solicitation->target;
  header.destination = asks_if_free ? kAllNodes : ip.source;
  const size_t length = emit_neighbour_advertisement(frame->data + kHeaders, advertisement);
  send_message(frame, asks_if_free ? multicast_mac(kAllNodes) : sender, header, length, out);
}

bool Ipv6Layer::receive_advertisement(const Packet& packet, Message message, Transmit& out,
                                      Arrival& arrival) {
  const auto advertisement = parse_neighbour_advertisement(packet.ip, message);
  if (!advertisement) return false;
  if (state().find_own(advertisement->target) != nullptr) {
    if (packet.sender() != configuration_.mac) host_->claimed(advertisement->target);
    return false;
  }
  recent_ = {};
  push_waiting(
      neighbours_.advertised(advertisement->target, advertisement->mac, advertisement->solicited,
                             advertisement->overrides, now(), state().reachable_time),
      advertisement->mac, out);
  if (!advertisement->solicited || advertisement->mac.is_zero()) return false;
  arrival.source = advertisement->target;
  arrival.mac = advertisement->mac;
  return true;
}

void Ipv6Layer::receive_router(const Packet& packet, Message message, Transmit& out) {
  const auto advertisement = parse_router_advertisement(packet.ip, message);
  if (!advertisement) return;
  recent_ = {};
  if (!advertisement->mac.is_zero())
    push_waiting(neighbours_.learn(packet.ip.source, advertisement->mac, now()), advertisement->mac,
                 out);
  host_->advertised(packet.ip.source, *advertisement, now());
}

void Ipv6Layer::receive_redirect(const Packet& packet, Message message, Transmit& out) {
  const auto redirect = parse_redirect(packet.ip, message);
  if (!redirect || !host_->redirected(packet.ip.source, *redirect, now())) return;
  recent_ = {};
  if (!redirect->mac.is_zero())
    push_waiting(neighbours_.learn(redirect->target, redirect->mac, now()), redirect->mac, out);
}

// The error quotes the packet, as much of it as makes 1,280 bytes (RFC 4443, section 2.4).
void Ipv6Layer::send_error(PacketBuffer* frame, const Ipv6Header& ip, uint8_t type, uint8_t code,
                           uint32_t rest, Transmit& out) {
  const uint64_t second = now() / Neighbours::kSecond;
  if (second != errors_second_) {
    errors_second_ = second;
    errors_left_ = kErrorsPerSecond;
  }
  const bool about_group = ip.destination.is_multicast();
  const bool may =
      !ip.source.is_unspecified() &&
      (!about_group || (type == kParameterProblem && code == Ipv6Payload::kUnknownOption));
  const Ipv6State::Own* const own =
      about_group ? state().source_for(ip.source, now()) : state().find_own(ip.destination);
  if (!may || own == nullptr || errors_left_ == 0 || frame->next != nullptr) {
    drop(frame);
    return;
  }
  --errors_left_;
  constexpr size_t kAdded = Ipv6Header::kSize + IcmpHeader::kSize;
  const size_t room = PacketBuffer::kHeadroom + frame->capacity -
                      static_cast<size_t>(frame->data - frame->memory) - kIpAt - kAdded;
  const size_t quoted = std::min({Ipv6Header::kSize + size_t{ip.payload_length},
                                  size_t{Ipv6Header::kLeastMtu} - kAdded, room});
  const MacAddress sender = MacAddress::load(frame->data + 6);
  std::byte* const message = frame->data + kHeaders;
  std::memmove(message + IcmpHeader::kSize, frame->data + kIpAt, quoted);
  message[0] = std::byte{type};
  message[1] = std::byte{code};
  store_be32(message + 4, rest);
  Header header;
  header.protocol = ipv6_headers::kIcmp;
  header.hop_limit = state().hop_limit;
  header.source = own->address;
  header.destination = ip.source;
  ++statistics_.errors_sent;
  send_message(frame, sender, header, IcmpHeader::kSize + quoted, out);
}

void Ipv6Layer::refuse_port(PacketBuffer* frame, const Arrival& arrival, Transmit& out) {
  constexpr uint8_t kPort = 4;
  const auto ip = Ipv6Header::parse(frame->bytes().subspan(kIpAt));
  // Of a datagram in several packets only the last is here, and it says nothing of ports.
  if (!ip || ip->next_header == ipv6_headers::kFragment || arrival.destination.is_multicast()) {
    pool_->release(frame);
    return;
  }
  send_error(frame, *ip, kDestinationUnreachable, kPort, 0, out);
}

// Asks `mac`, or everybody, where a neighbour is.
void Ipv6Layer::solicit(const IpAddress& target, uint64_t mac, Transmit& out) {
  const Ipv6State::Own* const own = state().source_for(target, now());
  if (own == nullptr) return;
  PacketBuffer* const buffer = allocate(out);
  if (buffer == nullptr) return;
  Header header;
  header.protocol = ipv6_headers::kIcmp;
  header.hop_limit = kDiscoveryHopLimit;
  header.source = own->address;
  header.destination = mac == 0 ? solicited_node(target) : target;
  MacAddress to = multicast_mac(header.destination);
  if (mac != 0) std::memcpy(to.octets.data(), &mac, to.octets.size());
  // Who is not sure of its address teaches it to nobody (RFC 4429, section 3.3).
  const size_t length = emit_neighbour_solicitation(
      buffer->data + kHeaders, target, own->unique ? configuration_.mac : MacAddress{});
  send_message(buffer, to, header, length, out);
}

// Asks whether somebody has an address that is to be ours.
void Ipv6Layer::probe(const IpAddress& target, Transmit& out) {
  PacketBuffer* const buffer = allocate(out);
  if (buffer == nullptr) return;
  Header header;
  header.protocol = ipv6_headers::kIcmp;
  header.hop_limit = kDiscoveryHopLimit;
  header.destination = solicited_node(target);
  const size_t length = emit_neighbour_solicitation(buffer->data + kHeaders, target, {});
  send_message(buffer, multicast_mac(header.destination), header, length, out);
}

void Ipv6Layer::solicit_routers(Transmit& out) {
  const Ipv6State::Own* const own = state().source_for(kAllRouters, now());
  PacketBuffer* const buffer = allocate(out);
  if (buffer == nullptr) return;
  Header header;
  header.protocol = ipv6_headers::kIcmp;
  header.hop_limit = kDiscoveryHopLimit;
  header.destination = kAllRouters;
  const bool sure = own != nullptr && own->unique;
  if (sure) header.source = own->address;
  const size_t length =
      emit_router_solicitation(buffer->data + kHeaders, sure ? configuration_.mac : MacAddress{});
  send_message(buffer, multicast_mac(kAllRouters), header, length, out);
}

// Tells routers and switches which groups we listen to: the solicited-node groups of our addresses
// (RFC 3810, section 5.2). From :: while there is no address that is surely ours (RFC 3590).
void Ipv6Layer::report_groups(uint8_t kind, Transmit& out) {
  constexpr size_t kRouterAlert = 8;  // a hop-by-hop header with that option (RFC 2711)
  constexpr size_t kRecord = 20;
  PacketBuffer* const buffer = allocate(out);
  if (buffer == nullptr) return;
  std::byte* const alert = buffer->data + kHeaders;
  constexpr std::array<uint8_t, kRouterAlert> kAlert{ipv6_headers::kIcmp, 0, 5, 2, 0, 0, 1, 0};
  std::memcpy(alert, kAlert.data(), kAlert.size());
  std::byte* const message = alert + kRouterAlert;
  std::byte* at = message + IcmpHeader::kSize;
  uint16_t records = 0;
  for (const Ipv6State::Own& own : state().own.all()) {
    at[0] = std::byte{kind};
    std::memset(at + 1, 0, 3);
    solicited_node(own.address).store_v6(at + 4);
    at += kRecord;
    ++records;
  }
  const auto length = static_cast<size_t>(at - message);
  message[0] = std::byte{kListenerReport};
  message[1] = std::byte{0};
  store_be16(message + 4, 0);
  store_be16(message + 6, records);
  Header header;
  header.protocol = ipv6_headers::kHopByHop;
  header.hop_limit = 1;
  header.destination = kReportRouters;
  const Ipv6State::Own* const own = state().source_for(kReportRouters, now());
  if (own != nullptr && own->unique) header.source = own->address;
  uint64_t mac = 0;
  multicast_mac(kReportRouters).store(reinterpret_cast<std::byte*>(&mac));
  put_headers(buffer->data, mac, header, static_cast<uint32_t>(kRouterAlert + length));
  const uint64_t pseudo = ipv6_pseudo_sum(header.source, header.destination, ipv6_headers::kIcmp,
                                          static_cast<uint32_t>(length));
  store_native16(message + kChecksumAt, 0);
  store_native16(message + kChecksumAt, finish_checksum(sum_bytes({message, length}, pseudo)));
  buffer->length = static_cast<uint32_t>(kHeaders + kRouterAlert + length);
  buffer->checksum = ChecksumState::kUnknown;
  out.push(buffer);
}

}  // namespace plumbline::net
