// UDP echo: returns every datagram as it came, in the buffer it came in.
#pragma once

#include "net/interface.hh"

namespace plumbline::echo {

inline void receive(void*, const net::UdpDatagram& datagram, net::UdpResponder& responder) {
  // A datagram of several fragments is copied; so is one with more payload than fits one packet
  // (possible only when the sender's MTU is larger). A reassembled datagram has no room even when
  // it is empty.
  const std::span<std::byte> room = responder.room();
  if (!room.empty() && datagram.payload.size() <= room.size()) {
    responder.reply_in_place(datagram.payload.size());
  } else {
    responder.reply(datagram.payload);
  }
}

inline constexpr net::UdpHandler kHandler{receive, nullptr, nullptr, nullptr};

}  // namespace plumbline::echo
