// For hosted tests and fuzzers: a memcached server behind a simulated network.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apps/memcached/protocol.hh"
#include "net/test_network.hh"

namespace plumbline::memcached {

inline constexpr uint16_t kTestPort = 11211;
inline constexpr uint64_t kTestEpoch = 1'700'000'000;

class TestServer {
 public:
  explicit TestServer(size_t memory = 4 << 20, unsigned shards = 1, size_t buffers = 256)
      : memory_(memory),
        network(net::TestNetwork::standard(), buffers),
        clock(kTestEpoch),
        store(memory_.span(), clock, 12345, shards, shards > 1),
        server{store, clock, {}},
        protocol(server) {
    network.interface.bind(kTestPort, protocol.handler());
  }

  static std::string framed(std::string_view commands, uint16_t id = 1) {
    std::string text(UdpFrame::kSize, '\0');
    UdpFrame{id, 0, 1}.emit(reinterpret_cast<std::byte*>(text.data()));
    text.append(commands);
    return text;
  }
  // Sends commands in one datagram (in fragments when it is long); returns the answers' payloads
  // with their frames.
  std::vector<std::string> datagrams(std::string_view commands, uint16_t id = 1) {
    const std::string text = framed(commands, id);
    const auto segment = net::udp_segment(5000, kTestPort, net::bytes_of(text));
    if (segment.size() <= 1480) {
      network.feed(net::ipv4_frame(17, segment));
    } else {
      ++identification_;
      for (size_t at = 0; at < segment.size(); at += 1480)
        network.feed(net::ipv4_frame(
            17, std::span(segment).subspan(at, std::min<size_t>(1480, segment.size() - at)), {},
            identification_, at, at + 1480 < segment.size()));
    }
    std::vector<std::string> result;
    for (const net::Frame& frame : network.sent()) {
      const auto sent = net::parse_sent(frame);
      result.push_back(sent ? sent->payload : "not a correct UDP datagram");
    }
    return result;
  }
  // Sends commands; returns the answers' texts put together, or an explanation of what is wrong
  // with their frames.
  std::string ask(std::string_view commands) {
    const uint16_t id = ++id_;
    std::string text;
    size_t expected = 0;
    size_t total = 0;
    for (const std::string& datagram : datagrams(commands, id)) {
      if (datagram.size() > UdpFrame::kMaximumDatagram) return "datagram too long";
      if (datagram.size() < UdpFrame::kSize) return "datagram without frame";
      const auto* at = reinterpret_cast<const std::byte*>(datagram.data());
      if (load_be16(at) != id) return "wrong request id";
      if (expected == 0) total = load_be16(at + 4);
      if (load_be16(at + 2) != expected || load_be16(at + 4) != total) return "wrong sequence";
      if (load_be16(at + 6) != 0) return "reserved field is not 0";
      expected = expected + 1 == total ? 0 : expected + 1;
      text += datagram.substr(UdpFrame::kSize);
    }
    return expected == 0 ? text : "datagrams missing";
  }
  void check_consistency() {
    store.for_each([](Shard& shard) { shard.check_consistency(); });
  }

 private:
  net::AlignedMemory memory_;
  uint16_t id_ = 0;
  uint16_t identification_ = 0;

 public:
  net::TestNetwork network;
  CoarseClock clock;
  ServerStore store;
  Server server;
  Protocol protocol;
};

}  // namespace plumbline::memcached
