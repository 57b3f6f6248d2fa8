// The UDP side that applications see: handlers bound to ports, and what they answer with.
#pragma once

#include <cstdint>
#include <span>

#include "net/packet_buffer.hh"
#include "net/wire/addresses.hh"
#include "net/wire/ip_address.hh"

namespace plumbline::net {

class UdpResponder;

struct UdpEndpoint {
  Ipv4Address address;
  uint16_t port = 0;
  friend constexpr bool operator==(const UdpEndpoint&, const UdpEndpoint&) = default;
};

// A received datagram, valid during the handler's call. The payload is writable; when `buffer` is
// not nullptr the payload lies in that packet buffer and the answer may be written over it
// (UdpResponder::room(), reply_in_place()). A reassembled datagram has none.
struct UdpDatagram {
  UdpEndpoint source;
  UdpEndpoint destination;
  std::span<std::byte> payload;
  PacketBuffer* buffer = nullptr;
  uint64_t hint = 0;  // what the handler's prepare() returned
};

// A datagram over IPv6, received or to be sent.
struct Udp6Datagram {
  IpAddress source;
  IpAddress destination;
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  uint8_t hop_limit = 64;
  uint8_t traffic_class = 0;
  std::span<const std::byte> payload;
};

// What a single datagram differs in from others of its interface.
struct UdpSendOptions {
  uint8_t time_to_live = 64;
  uint8_t type_of_service = 0;
  friend constexpr bool operator==(const UdpSendOptions&, const UdpSendOptions&) = default;
};

// What to call for the datagrams of a port. A burst runs in three passes, so that the cache misses
// of its requests overlap: prepare() for all (find the hash, prefetch the bucket), prefetch() for
// all (prefetch the item), then receive(). The first two are optional and must not write anything
// that receive() relies on being unchanged: other requests run in between.
struct UdpHandler {
  void (*receive)(void* context, const UdpDatagram& datagram, UdpResponder& responder) = nullptr;
  void* context = nullptr;
  uint64_t (*prepare)(void* context, std::span<const std::byte> payload) = nullptr;
  void (*prefetch)(void* context, uint64_t hint) = nullptr;
};

}  // namespace plumbline::net
