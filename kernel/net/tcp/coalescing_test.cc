#include "net/tcp/coalescing.hh"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "net/queue_test_memory.hh"

namespace plumbline::net::tcp {
namespace {

constexpr uint32_t kHeaders = 66;

struct Delivered {
  uint16_t port;
  Segment segment;
  std::string payload;
};

struct Receiver {
  Receiver() : coalescing(take, this) {}

  static void take(void* self, const FlowKey& key, Segment& segment) {
    auto& receiver = *static_cast<Receiver*>(self);
    const std::string bytes = text_of_chain(segment.frame);
    REQUIRE(bytes.size() >= segment.payload_offset + segment.length);
    // Behind the payload of several there is no padding.
    if (segment.coalesced > 1) {
      REQUIRE(bytes.size() == segment.payload_offset + segment.length);
      CHECK(segment.frame->checksum == ChecksumState::kJoined);
      CHECK((segment.length + segment.frame->segment_size - 1) / segment.frame->segment_size ==
            segment.coalesced);
    }
    receiver.delivered.push_back(
        {key.remote_port, segment, bytes.substr(segment.payload_offset, segment.length)});
    release_chain(segment.frame);
  }

  struct Options {
    uint8_t flags = tcp_flags::kAck;
    uint32_t acknowledgement = 7;
    uint32_t timestamp = 0;
    uint32_t padding = 0;
  };
  void add(uint16_t port, uint32_t sequence, uint32_t length, const Options& options) {
    PacketBuffer* const frame = test.pool.allocate();
    REQUIRE(frame != nullptr);
    const std::string bytes = std::string(kHeaders, 'h') + stream_bytes(sequence, length) +
                              std::string(options.padding, 'p');
    std::memcpy(frame->data, bytes.data(), bytes.size());
    frame->length = static_cast<uint32_t>(bytes.size());
    frame->checksum = ChecksumState::kValid;
    Segment segment;
    segment.sequence = {sequence};
    segment.acknowledgement = {options.acknowledgement};
    segment.window = 1000;
    segment.flags = options.flags;
    segment.options.has_timestamp = options.timestamp != 0;
    segment.options.timestamp_value = options.timestamp;
    segment.frame = frame;
    segment.payload_offset = kHeaders;
    segment.length = length;
    FlowKey key;
    key.remote_port = port;
    key.local_port = 80;
    coalescing.add(key, segment);
  }
  void add(uint16_t port, uint32_t sequence, uint32_t length) { add(port, sequence, length, {}); }

  TestQueueMemory test{512};
  Coalescing coalescing;
  std::vector<Delivered> delivered;
};

}  // namespace

TEST_CASE("full segments of a flow become one, up to the push") {
  Receiver receiver;
  for (uint32_t i = 0; i < 10; ++i) receiver.add(1, i * 1448, 1448);
  CHECK(receiver.delivered.empty());
  receiver.add(1, 14480, 100, {.flags = tcp_flags::kAck | tcp_flags::kPsh, .padding = 3});
  REQUIRE(receiver.delivered.size() == 1);
  const Delivered& all = receiver.delivered[0];
  CHECK(all.payload == stream_bytes(0, 14580));
  CHECK(all.segment.coalesced == 11);
  CHECK(all.segment.has(tcp_flags::kPsh));
  CHECK(receiver.coalescing.statistics().joined == 10);
  receiver.coalescing.flush();
  CHECK(receiver.delivered.size() == 1);
}

TEST_CASE("requests and pure acknowledgements do not wait") {
  Receiver receiver;
  receiver.add(1, 0, 100, {.flags = tcp_flags::kAck | tcp_flags::kPsh});
  receiver.add(2, 0, 0);
  CHECK(receiver.delivered.size() == 2);
  // Not even behind another flow's data.
  receiver.add(3, 0, 1448);
  receiver.add(1, 100, 100, {.flags = tcp_flags::kAck | tcp_flags::kPsh});
  CHECK(receiver.delivered.size() == 3);
  receiver.coalescing.flush();
  CHECK(receiver.delivered.size() == 4);
}

TEST_CASE("what differs goes on by itself, in order") {
  const std::vector<std::pair<uint32_t, Receiver::Options>> others = {
      {1448, {.flags = tcp_flags::kAck | tcp_flags::kFin}},
      {1448, {.flags = tcp_flags::kAck | tcp_flags::kEce}},
      {1448, {.flags = tcp_flags::kAck | tcp_flags::kUrg}},
      {1448, {.acknowledgement = 8}},
      {1448, {.timestamp = 5}},
      {2000, {}},
      {0, {}},
      {1447, {}}};
  for (const auto& [sequence, options] : others) {
    CAPTURE(sequence);
    Receiver receiver;
    receiver.add(1, 0, 1448);
    receiver.add(1, sequence, 1448, options);
    receiver.coalescing.flush();
    REQUIRE(receiver.delivered.size() == 2);
    CHECK(receiver.delivered[0].segment.sequence == Sequence{0});
    CHECK(receiver.delivered[1].segment.sequence == Sequence{sequence});
  }
  // A longer one than the first, and one behind a short one.
  Receiver receiver;
  receiver.add(1, 0, 1000);
  receiver.add(1, 1000, 1001);
  receiver.add(1, 2001, 500);
  receiver.add(1, 2501, 500);
  receiver.coalescing.flush();
  CHECK(receiver.delivered.size() == 3);
}

TEST_CASE("a joined segment is no longer than a packet can be") {
  Receiver receiver;
  for (uint32_t i = 0; i < 100; ++i) receiver.add(1, i * 1448, 1448);
  receiver.coalescing.flush();
  CHECK(receiver.delivered.size() == 3);
  for (const Delivered& one : receiver.delivered) CHECK(one.segment.length < 65536);
}

TEST_CASE("many flows at random: each one's bytes, in order, and no buffer is lost") {
  std::mt19937 random(3);
  Receiver receiver;
  std::map<uint16_t, uint32_t> sent;
  for (int step = 0; step < 20000; ++step) {
    const auto port = static_cast<uint16_t>(random() % 20);
    uint32_t& at = sent[port];
    const uint32_t length = random() % 3 != 0 ? 1448 : random() % 1449;
    Receiver::Options options;
    if (random() % 5 == 0) options.flags |= tcp_flags::kPsh;
    if (random() % 50 == 0) options.acknowledgement = random();
    options.padding = random() % 3;
    receiver.add(port, at, length, options);
    at += length;
    if (random() % 32 == 0) receiver.coalescing.flush();
  }
  receiver.coalescing.flush();
  std::map<uint16_t, uint32_t> came;
  for (const Delivered& one : receiver.delivered) {
    uint32_t& at = came[one.port];
    REQUIRE(one.segment.sequence == Sequence{at});
    REQUIRE(one.payload == stream_bytes(at, one.segment.length));
    at += one.segment.length;
  }
  CHECK(came == sent);
  CHECK(receiver.coalescing.statistics().joined > 100);
  CHECK(receiver.test.pool.in_use() == 0);
}

}  // namespace plumbline::net::tcp
