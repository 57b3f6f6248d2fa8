// Headers of UDP datagrams, and datagrams made in one step: in line, for the two or three places
// that a busy server sends from.
#pragma once

#include "net/interface.hh"

namespace plumbline::net {

[[gnu::always_inline]] inline void Interface::emit_udp(PacketBuffer* buffer, const UdpRoute& route,
                                                       size_t payload_length) const {
  // Whole words, put together in registers: the 42 bytes of headers take six stores.
  const auto length = static_cast<uint16_t>(UdpHeader::kSize + payload_length);
  const uint16_t wire_length = byte_swap(length);
  std::byte* const at = buffer->data;
  constexpr size_t kIpAt = EthernetHeader::kSize;
  constexpr size_t kSourceAt = kIpAt + 12;  // the IPv4 addresses, source and destination
  constexpr size_t kUdpAt = kIpAt + Ipv4Header::kSize;
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

[[gnu::always_inline]] inline PacketBuffer* Interface::make_datagram(uint16_t source_port,
                                                                     UdpEndpoint to,
                                                                     PayloadWriter write,
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

}  // namespace plumbline::net
