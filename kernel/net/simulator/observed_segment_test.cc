#include "net/simulator/observed_segment.hh"

#include <doctest/doctest.h>

#include <algorithm>

#include "net/simulator/link.hh"
#include "net/test_network.hh"

namespace plumbline::net::simulator {
namespace {

// A TCP segment with the options given and a right checksum, over IPv4 or IPv6.
Frame frame_of(std::vector<uint8_t> options, std::string_view payload, uint8_t flags, bool six) {
  while (options.size() % 4 != 0) options.push_back(1);
  Frame tcp(20 + options.size() + payload.size());
  store_be16(tcp.data(), 1000);
  store_be16(tcp.data() + 2, 80);
  store_be32(tcp.data() + 4, 100);
  store_be32(tcp.data() + 8, 200);
  tcp[12] = static_cast<std::byte>((20 + options.size()) / 4 << 4);
  tcp[13] = std::byte{flags};
  store_be16(tcp.data() + 14, 300);
  std::ranges::copy(std::as_bytes(std::span(options)), tcp.begin() + 20);
  std::ranges::copy(bytes_of(payload), tcp.end() - static_cast<ptrdiff_t>(payload.size()));
  const auto length = static_cast<uint16_t>(tcp.size());
  if (!six) {
    const uint64_t pseudo = pseudo_header_sum(kPeerAddress, kGuestAddress, 6, length);
    store_native16(tcp.data() + 16, finish_checksum(sum_bytes(tcp, pseudo)));
    return ipv4_frame(Ipv4Header::kTcp, tcp);
  }
  Frame frame(14 + 40 + tcp.size());
  store_be16(frame.data() + 12, 0x86dd);
  std::byte* const ip = frame.data() + 14;
  ip[0] = std::byte{0x60};
  store_be16(ip + 4, length);
  ip[6] = std::byte{6};
  ip[23] = std::byte{1};
  ip[39] = std::byte{2};
  Frame summed(ip + 8, ip + 40);
  summed.resize(40);
  store_be16(summed.data() + 34, length);
  store_be16(summed.data() + 38, 6);
  const uint64_t pseudo = sum_bytes(summed);
  store_native16(tcp.data() + 16, finish_checksum(sum_bytes(tcp, pseudo)));
  std::memcpy(frame.data() + 54, tcp.data(), tcp.size());
  return frame;
}

TEST_CASE("a segment is read with its options, over IPv4 and IPv6") {
  for (const bool six : {false, true}) {
    ObservedSegment s;
    const Frame syn =
        frame_of({2, 4, 5, 180, 3, 3, 7, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8}, "", 2, six);
    REQUIRE(ObservedSegment::parse(syn, s) == "");
    CHECK(s.mss == 1460);
    CHECK(s.window_scale == 7);
    CHECK(s.sack_permitted);
    CHECK(s.timestamp_value == 9);
    CHECK(s.timestamp_echo == 8);
    CHECK(s.sequence_length() == 1);
    CHECK(s.source.port == 1000);
    CHECK(s.destination.port == 80);
    CHECK(s.source != s.destination);
    CHECK(s.ip_length == syn.size() - 14);
    const Frame data = frame_of({5, 10, 0, 0, 0, 3, 0, 0, 0, 4}, "hello", 0x18, six);
    REQUIRE(ObservedSegment::parse(data, s) == "");
    CHECK(s.sack_count == 1);
    CHECK(s.sack[0].begin == 3);
    CHECK(s.sack[0].end == 4);
    CHECK(text_of(s.payload) == "hello");
    CHECK(s.describe() == "1000 > 80 PA 100:105 ack 200 win 300 sack 3:4");
  }
}

TEST_CASE("whatever a link damages is refused") {
  // Not IPv6: its header has no checksum, and some of it is not part of TCP's.
  Link link({.corrupt = 1}, Random(1));
  for (int i = 0; i < 20'000; ++i) {
    std::vector<Delivery> out;
    link.transmit({}, frame_of({8, 10, 0, 0, 0, 9, 0, 0, 0, 8}, "some payload", 0x18, false), out);
    REQUIRE(out.size() == 1);
    ObservedSegment s;
    // Ethernet addresses are not looked at.
    if (std::equal(out[0].frame.begin(), out[0].frame.begin() + 12,
                   frame_of({}, "", 0x10, false).begin()))
      CHECK(ObservedSegment::parse(out[0].frame, s) != "");
  }
}

TEST_CASE("options that lie, and frames cut off anywhere") {
  ObservedSegment s;
  CHECK(ObservedSegment::parse(frame_of({2, 4, 5, 180}, "", 0x10, false), s) != "");
  CHECK(ObservedSegment::parse(frame_of({3, 3, 15, 1}, "", 2, false), s) != "");
  CHECK(ObservedSegment::parse(frame_of({8, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, "", 2, false), s) !=
        "");
  CHECK(ObservedSegment::parse(frame_of({5, 4, 0, 0}, "", 0x10, false), s) != "");
  CHECK(ObservedSegment::parse(frame_of({1, 1, 8, 1}, "", 0x10, false), s) != "");
  CHECK(ObservedSegment::parse(frame_of({1, 1, 1, 8}, "", 0x10, false), s) != "");
  for (const bool six : {false, true}) {
    const Frame whole = frame_of({8, 10, 0, 0, 0, 9, 0, 0, 0, 8}, "some payload", 0x18, six);
    for (size_t length = 0; length < whole.size(); ++length) {
      const Frame cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(length));
      CHECK(ObservedSegment::parse(cut, s) != "");
    }
  }
}

}  // namespace
}  // namespace plumbline::net::simulator
