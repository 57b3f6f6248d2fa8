#include "net/tcp/segment.hh"

#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "net/test_network.hh"

namespace plumbline::net::tcp {
namespace {

using namespace tcp_flags;

FlowKey test_key(bool six) {
  FlowKey key;
  if (six) {
    key.local = IpAddress::of_v6(0x2001'0db8'0000'0000, 2);
    key.remote = IpAddress::of_v6(0x2001'0db8'0000'0000, 0xffff'ffff'ffff'ffff);
  } else {
    key.local = IpAddress::of(Ipv4Address::of(10, 9, 0, 2));
    key.remote = IpAddress::of(Ipv4Address::of(192, 168, 255, 255));
  }
  return key;
}

struct Bench {
  Bench() : memory(BufferPool::bytes_needed(8)) {
    pool.init(memory.span().first(BufferPool::bytes_needed(8)), 0);
  }
  // A frame of the bytes, in as many buffers as there are lengths, the last with what is left.
  PacketBuffer* frame(std::span<const std::byte> bytes,
                      std::initializer_list<size_t> lengths = {}) {
    PacketBuffer* first = nullptr;
    PacketBuffer** link = &first;
    const auto add = [&](std::span<const std::byte> part) {
      PacketBuffer* const buffer = pool.allocate();
      std::copy(part.begin(), part.end(), buffer->data);
      buffer->length = static_cast<uint32_t>(part.size());
      *link = buffer;
      link = &buffer->next;
    };
    for (const size_t length : lengths) {
      add(bytes.first(length));
      bytes = bytes.subspan(length);
    }
    add(bytes);
    return first;
  }

  AlignedMemory memory;
  BufferPool pool;
};

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> made;
  for (const int value : values) made.push_back(static_cast<std::byte>(value));
  return made;
}

// A segment with these options (padded) and payload.
std::vector<std::byte> segment_of(const std::vector<std::byte>& options, size_t payload,
                                  uint8_t flags = kAck) {
  TcpHeader header;
  header.source_port = 1234;
  header.destination_port = 80;
  header.sequence = 0x11223344;
  header.acknowledgement = 0x55667788;
  header.flags = flags;
  header.window = 4321;
  const size_t padded = (options.size() + 3) / 4 * 4;
  header.header_length = static_cast<uint8_t>(TcpHeader::kSize + padded);
  std::vector<std::byte> made(header.header_length + payload);
  header.emit(made.data());
  std::copy(options.begin(), options.end(), made.begin() + TcpHeader::kSize);
  for (size_t i = 0; i < payload; ++i)
    made[header.header_length + i] = static_cast<std::byte>(i * 7);
  return made;
}

TEST_CASE("a header and its options become a segment, whatever lies in front and behind") {
  Bench bench;
  auto data = segment_of(bytes({2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 7}),
                         100, kSyn | kEce | kCwr);
  const auto length = static_cast<uint32_t>(data.size());
  data.insert(data.begin(), 34, std::byte{0x77});
  data.insert(data.end(), 9, std::byte{0x99});  // padding of the link
  PacketBuffer* const frame = bench.frame(data);
  Segment segment;
  FlowKey key = test_key(false);
  REQUIRE(parse_segment(*frame, 34, length, segment, key));
  CHECK(key.local_port == 80);
  CHECK(key.remote_port == 1234);
  CHECK(segment.sequence.value == 0x11223344);
  CHECK(segment.acknowledgement.value == 0x55667788);
  CHECK(segment.window == 4321);
  CHECK(segment.flags == (kSyn | kEce | kCwr));
  CHECK(segment.options.mss == 1460);
  CHECK(segment.options.sack_permitted);
  CHECK(segment.options.has_timestamp);
  CHECK(segment.options.timestamp_value == 0x01020304);
  CHECK(segment.options.timestamp_echo == 0x05060708);
  CHECK(segment.options.window_scale == 7);
  CHECK(segment.options.sack_count == 0);
  CHECK(segment.payload_offset == 34 + 40);
  CHECK(segment.length == 100);
  CHECK(segment.sequence_length() == 101);
  CHECK(segment.frame == frame);
  CHECK(segment.coalesced == 1);
}

TEST_CASE("options as they are seen, odd and malformed ones") {
  Bench bench;
  const auto parse = [&](const std::vector<std::byte>& options) {
    const auto data = segment_of(options, 3);
    PacketBuffer* const frame = bench.frame(data);
    Segment segment;
    FlowKey key;
    REQUIRE(parse_segment(*frame, 0, static_cast<uint32_t>(data.size()), segment, key));
    CHECK(segment.length == 3);
    bench.pool.release_chain(frame);
    return segment.options;
  };
  auto options = parse(bytes({1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8}));
  CHECK(options.has_timestamp);
  CHECK(options.timestamp_value == 9);
  CHECK(options.timestamp_echo == 8);
  options = parse(bytes({1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8, 1, 1, 5, 18,
                         0, 0, 0, 1,  0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4}));
  CHECK(options.has_timestamp);
  CHECK(options.sack_count == 2);
  CHECK(options.sack[1] == SequenceRange{{3}, {4}});
  // Unknown ones are skipped; a shift above 14 counts as 14; the end is the end.
  options = parse(bytes({254, 4, 9, 9, 3, 3, 200, 0, 4, 2}));
  CHECK(options.window_scale == 14);
  CHECK(!options.sack_permitted);
  // Wrong lengths of known ones: skipped as if unknown.
  options = parse(bytes({2, 3, 9, 4, 2, 3, 4, 1, 1, 5, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  CHECK(options.mss == 0);
  CHECK(options.sack_permitted);
  CHECK(options.window_scale == -1);
  CHECK(options.sack_count == 0);
  // Lengths of 0 and 1, and beyond the header, end the list.
  CHECK(!parse(bytes({2, 0, 4, 2})).sack_permitted);
  CHECK(!parse(bytes({2, 1, 4, 2})).sack_permitted);
  CHECK(!parse(bytes({4, 2, 8, 10, 1, 2, 3, 4})).has_timestamp);
  CHECK(parse(bytes({4, 2, 8, 10, 1, 2, 3, 4})).sack_permitted);
  CHECK(parse(bytes({1, 1, 1, 2})).mss == 0);
  CHECK(parse(bytes({5, 34, 0, 0})).sack_count == 0);
}

TEST_CASE("what does not fit is refused") {
  Bench bench;
  const auto data = segment_of({}, 30);
  const auto length = static_cast<uint32_t>(data.size());
  Segment segment;
  FlowKey key;
  PacketBuffer* const frame = bench.frame(data);
  CHECK(parse_segment(*frame, 0, length, segment, key));
  CHECK(!parse_segment(*frame, 0, length + 1, segment, key));
  CHECK(!parse_segment(*frame, 0, 19, segment, key));
  CHECK(!parse_segment(*frame, length, 0, segment, key));
  CHECK(!parse_segment(*frame, length + 1, 0, segment, key));
  CHECK(!parse_segment(*frame, 40, 20, segment, key));
  // The header says that it is longer than the segment, or shorter than a header.
  frame->data[12] = std::byte{0xd0};
  CHECK(!parse_segment(*frame, 0, length, segment, key));
  CHECK(!parse_segment(*frame, 0, 48, segment, key));
  frame->data[12] = std::byte{0x40};
  CHECK(!parse_segment(*frame, 0, length, segment, key));
  frame->data[12] = std::byte{0xc0};
  CHECK(parse_segment(*frame, 0, length, segment, key));
  CHECK(segment.length == 2);
}

TEST_CASE("a payload may go on in other buffers, the header may not") {
  Bench bench;
  const auto data = segment_of({}, 300);
  const auto length = static_cast<uint32_t>(data.size());
  Segment segment;
  FlowKey key;
  PacketBuffer* frame = bench.frame(data, {20, 100});
  CHECK(parse_segment(*frame, 0, length, segment, key));
  CHECK(segment.length == 300);
  CHECK(!parse_segment(*frame, 0, length + 1, segment, key));
  bench.pool.release_chain(frame);
  frame = bench.frame(data, {19});
  CHECK(!parse_segment(*frame, 0, length, segment, key));
}

TEST_CASE("checksums of both families, in one and in several buffers") {
  std::mt19937 random(1);
  for (const bool six : {false, true}) {
    const FlowKey key = test_key(six);
    for (unsigned round = 0; round < 200; ++round) {
      Bench bench;
      auto data = segment_of({}, random() % 1400);
      const auto length = static_cast<uint32_t>(data.size());
      store_native16(data.data() + TcpHeader::kChecksumOffset,
                     tcp_checksum(data, key.remote, key.local));
      CHECK(tcp_checksum_valid(data, key.remote, key.local));
      if (round % 2 != 0) data.insert(data.end(), 5, std::byte{1});
      const size_t first = 20 + random() % (length - 19);
      PacketBuffer* frame =
          bench.frame(std::span(data).first(length), {first, random() % (length - first + 1)});
      CHECK(verify_checksum(*frame, 0, length, key));
      PacketBuffer* const whole = bench.frame(data);
      CHECK(verify_checksum(*whole, 0, length, key));
      whole->data[random() % length] ^= std::byte{4};
      CHECK(!verify_checksum(*whole, 0, length, key));
      for (PacketBuffer* part = frame; part != nullptr; part = part->next) {
        if (part->length == 0) continue;
        part->data[part->length - 1] ^= std::byte{1};
        CHECK(!verify_checksum(*frame, 0, length, key));
        part->data[part->length - 1] ^= std::byte{1};
      }
      FlowKey other = key;
      other.local_port = 1;  // not summed
      CHECK(verify_checksum(*frame, 0, length, other));
      other.local = IpAddress::of(Ipv4Address::of(1, 2, 3, 4));
      CHECK(!verify_checksum(*frame, 0, length, other));
    }
  }
}

TEST_CASE("the checksum of a segment that is in a book") {
  // From 192.168.0.31 to 192.168.0.30, port 5000 to 80, SYN without options; summed by hand.
  TcpHeader header;
  header.source_port = 5000;
  header.destination_port = 80;
  header.sequence = 1;
  header.flags = kSyn;
  header.window = 0x2000;
  std::array<std::byte, 20> data;
  header.emit(data.data());
  const uint32_t words[] = {0xc0a8, 0x001f, 0xc0a8, 0x001e, 6,      20,     5000, 80,
                            0,      1,      0,      0,      0x5002, 0x2000, 0,    0};
  uint32_t sum = 0;
  for (const uint32_t word : words) sum += word;
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  const uint16_t checksum = tcp_checksum(data, IpAddress::of(Ipv4Address::of(192, 168, 0, 31)),
                                         IpAddress::of(Ipv4Address::of(192, 168, 0, 30)));
  CHECK(byte_swap(checksum) == (~sum & 0xffff));
}

TEST_CASE("a bit changed anywhere never reads outside") {
  std::mt19937 random(9);
  const auto good = segment_of(bytes({2, 4, 5, 180, 4, 2, 8,  10, 1, 2, 3, 4, 5, 6, 7,
                                      8, 1, 3, 3,   7, 5, 10, 0,  0, 0, 0, 0, 0, 0, 0}),
                               20);
  for (int round = 0; round < 100'000; ++round) {
    // Of exactly that size on the heap, so that the sanitizer sees a read behind it.
    std::vector<std::byte> data(good.begin(),
                                good.begin() + static_cast<long>(random() % (good.size() + 1)));
    data.shrink_to_fit();
    for (unsigned i = random() % 4; i > 0 && !data.empty(); --i)
      data[random() % data.size()] = static_cast<std::byte>(random());
    PacketBuffer buffer{};
    buffer.data = data.data();
    buffer.length = static_cast<uint32_t>(data.size());
    Segment segment;
    FlowKey key;
    if (!parse_segment(buffer, 0, buffer.length, segment, key)) continue;
    REQUIRE(segment.payload_offset + segment.length == buffer.length);
    REQUIRE(segment.options.sack_count <= 4);
    REQUIRE(segment.options.window_scale <= 14);
  }
}

}  // namespace
}  // namespace plumbline::net::tcp
