// A received packet while it is being handled.
#pragma once

#include "net/ip/ipv6_layer.hh"
#include "net/wire/ipv6_extensions.hh"

namespace plumbline::net {

struct Ipv6Layer::Packet {
  Ipv6Header ip;
  PacketBuffer* frame;
  // The payload lies in the frame; else it was put together, and the frame was the last piece.
  bool in_frame;

  MacAddress sender() const { return MacAddress::load(frame->data + 6); }
};

}  // namespace plumbline::net
