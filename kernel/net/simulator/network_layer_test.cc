#include "net/simulator/network_layer.hh"

#include <doctest/doctest.h>

#include "net/simulator/byte_pattern.hh"
#include "net/simulator/observed_segment.hh"
#include "net/test_network.hh"
#include "net/wire/tcp.hh"

namespace plumbline::net::simulator {
namespace {

TEST_CASE("a frame of segmentation becomes segments that a bystander finds right") {
  AlignedMemory memory(BufferPool::bytes_needed(16));
  BufferPool pool;
  pool.init(memory.span(), 0);
  for (const bool v4 : {true, false}) {
    tcp::FlowKey key;
    key.local = v4 ? IpAddress::of(kPeerAddress) : IpAddress::of_v6(0x20010db800000000, 1);
    key.remote = v4 ? IpAddress::of(kGuestAddress) : IpAddress::of_v6(0x20010db800000000, 2);
    key.local_port = 1000;
    key.remote_port = 80;
    // 3,001 bytes in three buffers.
    const BytePattern pattern(1, 2, true);
    PacketBuffer* const first = pool.allocate();
    TcpHeader{.source_port = 1000,
              .destination_port = 80,
              .sequence = 0xffff'ff00,
              .header_length = 20,
              .flags = tcp_flags::kAck | tcp_flags::kPsh | tcp_flags::kFin | tcp_flags::kCwr}
        .emit(first->data);
    first->length = 20;
    uint32_t at = 0;
    PacketBuffer* last = first;
    for (const uint32_t length : {1000U, 1U, 2000U}) {
      last->next = pool.allocate();
      last = last->next;
      pattern.fill(at, {last->data, length});
      last->length = length;
      at += length;
    }
    NetworkLayer layer;
    std::vector<Frame> out;
    layer.emit(*first, key, {.payload = 3001, .header = 20, .segment_size = 1400, .ecn = 2}, out);
    pool.release_chain(first);
    REQUIRE(out.size() == 3);
    at = 0;
    for (size_t i = 0; i < 3; ++i) {
      ObservedSegment seen;
      REQUIRE(ObservedSegment::parse(out[i], seen) == "");
      CHECK(seen.payload.size() == (i == 2 ? 201 : 1400));
      CHECK(pattern.matches(at, seen.payload) == seen.payload.size());
      CHECK(seen.sequence == static_cast<uint32_t>(0xffff'ff00 + at));
      CHECK(seen.has(ObservedSegment::kPsh) == (i == 2));
      CHECK(seen.has(ObservedSegment::kFin) == (i == 2));
      CHECK(seen.has(ObservedSegment::kCwr) == (i == 0));
      CHECK(seen.ecn == 2);
      at += static_cast<uint32_t>(seen.payload.size());
      const auto received = NetworkLayer::parse(out[i]);
      REQUIRE(received.has_value());
      CHECK(received->key.local == key.remote);
      CHECK(received->key.remote == key.local);
      CHECK(received->length == 20 + seen.payload.size());
      CHECK(received->offset == (v4 ? 34 : 54));
      CHECK(!received->congestion_experienced);
    }
  }
  CHECK(pool.in_use() == 0);
}

TEST_CASE("what is not whole is not handed up") {
  const Frame whole = ipv4_frame(Ipv4Header::kTcp, bytes_of("01234567890123456789"));
  CHECK(NetworkLayer::parse(whole).has_value());
  for (size_t length = 0; length < whole.size(); ++length)
    CHECK(!NetworkLayer::parse(std::span(whole).first(length)).has_value());
  CHECK(!NetworkLayer::parse(udp_frame(1, 2, "datagram")).has_value());
}

}  // namespace
}  // namespace plumbline::net::simulator
