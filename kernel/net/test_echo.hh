// For the tests of an interface: one that echoes, and datagrams in fragments.
#pragma once

#include <doctest/doctest.h>

#include "apps/echo/echo.hh"
#include "net/test_network.hh"

namespace plumbline::net {

struct EchoNetwork : TestNetwork {
  explicit EchoNetwork(const InterfaceConfiguration& configuration = standard(),
                       size_t buffers = 256, size_t slots = 4)
      : TestNetwork(configuration, buffers, slots) {
    REQUIRE(interface.bind(7, echo::kHandler));
  }
};

// What the frames carry, put together by an independent reassembly: a map of offsets.
inline Frame reassemble(const std::vector<Frame>& frames) {
  Frame payload;
  for (const Frame& frame : frames) {
    const auto packet = std::span(frame).subspan(EthernetHeader::kSize);
    CHECK(packet.size() <= 1500);
    const auto ip = Ipv4Header::parse(packet);
    REQUIRE(ip);
    CHECK(ip->fragment_offset == payload.size());
    CHECK(ip->more_fragments == (&frame != &frames.back()));
    const auto part = packet.subspan(ip->header_length, ip->payload_length());
    payload.insert(payload.end(), part.begin(), part.end());
  }
  return payload;
}

inline std::vector<Frame> fragments(uint8_t protocol, const Frame& payload, size_t step,
                                    uint16_t identification = 77) {
  std::vector<Frame> result;
  for (size_t offset = 0; offset < payload.size(); offset += step) {
    const size_t length = std::min(step, payload.size() - offset);
    result.push_back(ipv4_frame(protocol, std::span(payload).subspan(offset, length), {},
                                identification, offset, offset + length < payload.size()));
  }
  return result;
}

inline std::string pattern(size_t length) {
  std::string text(length, ' ');
  for (size_t i = 0; i < length; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 26) % 26);
  return text;
}

}  // namespace plumbline::net
