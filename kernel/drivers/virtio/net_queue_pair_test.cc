#include "drivers/virtio/net_queue_pair.hh"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "drivers/virtio/simulated_device.hh"
#include "net/zerocopy/send_queue.hh"

using namespace plumbline::virtio;
using plumbline::net::BufferPool;
using plumbline::net::ChecksumState;
using plumbline::net::PacketBuffer;

namespace {

constexpr uint16_t kRing = 32;

// A network device and its driver; `pool_buffers` travel between them.
struct Card {
  explicit Card(NetQueueFeatures features = {true, true, true}, size_t pool_buffers = 64,
                bool event_index = true)
      : receive_memory(kRing),
        transmit_memory(kRing),
        receive_device(kRing, receive_memory.data(), event_index),
        transmit_device(kRing, transmit_memory.data(), event_index),
        bytes(BufferPool::bytes_needed(pool_buffers) + 64) {
    const uintptr_t start = (reinterpret_cast<uintptr_t>(bytes.data()) + 63) & ~uintptr_t{63};
    pool.init({reinterpret_cast<std::byte*>(start), BufferPool::bytes_needed(pool_buffers)}, 0);
    // The simulated device takes addresses for pointers: find out where the pool put its data.
    PacketBuffer* const probe = pool.allocate();
    const uint64_t shift = reinterpret_cast<uintptr_t>(probe->memory) - probe->physical;
    pool.release(probe);
    receive.init(kRing, receive_memory.data(), event_index);
    transmit.init(kRing, transmit_memory.data(), event_index);
    std::vector<PacketBuffer*> all;
    while (PacketBuffer* const buffer = pool.allocate()) all.push_back(buffer);
    for (PacketBuffer* const buffer : all) {
      buffer->physical += shift;
      pool.release(buffer);
    }
    pair.init(receive, {&receive_bell, 0, false}, transmit, {&transmit_bell, 1, true}, pool,
              features);
    pair.start();
  }

  // The device delivers `frame`, in pieces of at most `piece` bytes; false: no receive buffers.
  bool deliver(const std::string& frame, NetHeader header = {}, size_t piece = 2000) {
    const size_t pieces = std::max<size_t>(1, (frame.size() + piece - 1) / piece);
    while (held.size() < pieces) {
      const auto chain = receive_device.next_available();
      if (!chain) return false;
      held.push_back(*chain);
    }
    header.buffer_count = static_cast<uint16_t>(pieces);
    for (size_t i = 0; i < pieces; ++i) {
      const std::string part = frame.substr(i * piece, piece);
      auto* to = reinterpret_cast<std::byte*>(held.front().pieces[0].address);
      uint32_t length = static_cast<uint32_t>(part.size());
      if (i == 0) {
        std::memcpy(to, &header, sizeof header);
        to += sizeof header;
        length += sizeof header;
      }
      REQUIRE(length <= held.front().pieces[0].length);
      std::memcpy(to, part.data(), part.size());
      interrupts += receive_device.use(held.front().head, length);
      held.pop_front();
    }
    return true;
  }

  // The device sends what it was given; returns the frames, with headers.
  std::vector<std::string> drain() {
    std::vector<std::string> frames;
    while (const auto chain = transmit_device.next_available()) {
      std::string frame;
      for (const auto& part : chain->pieces)
        frame.append(reinterpret_cast<const char*>(part.address), part.length);
      frames.push_back(frame);
      transmit_device.use(chain->head, 0);
    }
    return frames;
  }

  QueueMemory receive_memory;
  QueueMemory transmit_memory;
  SimulatedDevice receive_device;
  SimulatedDevice transmit_device;
  std::vector<std::byte> bytes;
  BufferPool pool;
  SplitQueue receive;
  SplitQueue transmit;
  NetQueuePair pair;
  uint16_t receive_bell = 0xffff;
  uint32_t transmit_bell = 0xffffffff;
  std::deque<SimulatedDevice::Chain> held;
  unsigned interrupts = 0;
};

std::string text(const PacketBuffer* frame) {
  std::string result;
  for (; frame != nullptr; frame = frame->next)
    result.append(reinterpret_cast<const char*>(frame->data), frame->length);
  return result;
}

const char* broken_why;
uint32_t broken_value;

}  // namespace

TEST_CASE("the receive ring is filled, leaving a third of the pool, and the device is told") {
  Card card({true, true, true}, 36);
  const BufferCensus census = card.pair.census();
  CHECK(census.total == 36);
  CHECK(census.receive_ring == 24);
  CHECK(census.free == 12);
  CHECK(census.elsewhere == 0);
  CHECK(card.receive_bell == 0);  // rung with the queue's number
  CHECK(card.pair.statistics().notifications == 1);
}

TEST_CASE("a frame is received, answered in place, sent, and its buffer comes back") {
  Card card;
  REQUIRE(card.deliver("question", {.flags = 2}));
  CHECK(card.pair.has_received());
  std::array<PacketBuffer*, 8> frames;
  REQUIRE(card.pair.receive(frames) == 1);
  CHECK(text(frames[0]) == "question");
  CHECK(frames[0]->checksum == ChecksumState::kValid);
  std::memcpy(frames[0]->data, "answer!!", 8);
  frames[0]->checksum = ChecksumState::kUnknown;
  card.pair.transmit(std::span(frames).first(1));
  CHECK(card.transmit_bell == 1);
  const auto sent = card.drain();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0] == std::string(12, '\0') + "answer!!");
  CHECK(card.pair.census().transmit_ring == 1);
  CHECK_FALSE(card.pair.arm_interrupt());  // none available here; but everything is put in order
  const BufferCensus census = card.pair.census();
  CHECK(census.receive_ring == 32);
  CHECK(census.transmit_ring == 0);
  CHECK(census.free == 32);
}

TEST_CASE("frames of several buffers are put together, also when a burst ends inside one") {
  Card card;
  std::string frame(5000, 'x');
  for (size_t i = 0; i < frame.size(); ++i) frame[i] = static_cast<char>('a' + i % 26);
  REQUIRE(card.deliver(frame, {}, 2000));
  REQUIRE(card.deliver("next"));
  std::array<PacketBuffer*, 2> frames;
  CHECK(card.pair.receive(frames) == 0);  // two of its three buffers
  REQUIRE(card.pair.receive(frames) == 2);
  CHECK(text(frames[0]) == frame);
  CHECK(text(frames[1]) == "next");
  // And it can be sent as it is.
  card.pair.transmit(frames);
  const auto sent = card.drain();
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].substr(12) == frame);
  (void)card.pair.arm_interrupt();
  CHECK(card.pair.census().free == 32);
}

TEST_CASE("without mergeable buffers the header's buffer count means nothing") {
  Card card({false, false, false});
  for (const uint16_t count : {0, 1, 77}) {
    const auto chain = card.receive_device.next_available();
    NetHeader header{.flags = 3, .buffer_count = count};
    auto* const to = reinterpret_cast<std::byte*>(chain->pieces[0].address);
    std::memcpy(to, &header, 12);
    std::memcpy(to + 12, "data", 4);
    card.receive_device.use(chain->head, 16);
    std::array<PacketBuffer*, 2> frames;
    REQUIRE(card.pair.receive(frames) == 1);
    CHECK(text(frames[0]) == "data");
    CHECK(frames[0]->checksum == ChecksumState::kUnknown);  // not negotiated
    card.pool.release_chain(frames[0]);
  }
}

TEST_CASE("malformed frames are dropped and counted, their buffers come back") {
  Card card;
  for (const uint32_t length : {0u, 11u}) {
    const auto chain = card.receive_device.next_available();
    card.receive_device.use(chain->head, length);
  }
  for (const uint16_t count : {0, 49, 65535}) {
    const auto chain = card.receive_device.next_available();
    const NetHeader header{.buffer_count = count};
    std::memcpy(reinterpret_cast<void*>(chain->pieces[0].address), &header, 12);
    card.receive_device.use(chain->head, 100);
  }
  std::array<PacketBuffer*, 8> frames;
  CHECK(card.pair.receive(frames) == 0);
  CHECK(card.pair.statistics().dropped_malformed == 5);
  (void)card.pair.arm_interrupt();
  CHECK(card.pair.census().free == 32);
  CHECK(card.pair.census().elsewhere == 0);
}

TEST_CASE("partial checksums: left to a device that completes them, else completed") {
  for (const bool offload : {true, false}) {
    Card card({true, true, offload});
    PacketBuffer* frame = card.pool.allocate();
    // RFC 1071's example: 0001 f203 f4f5 f6f7 sums to ddf2; the field is in front of it, zero.
    const uint8_t bytes[] = {0xee, 0xee, 0, 0, 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    std::memcpy(frame->data, bytes, sizeof bytes);
    frame->length = sizeof bytes;
    frame->checksum = ChecksumState::kPartial;
    frame->checksum_start = 2;
    frame->checksum_offset = 0;
    card.pair.transmit({&frame, 1});
    const auto sent = card.drain();
    REQUIRE(sent.size() == 1);
    NetHeader header;
    std::memcpy(&header, sent[0].data(), 12);
    CHECK(header.flags == (offload ? 1 : 0));
    CHECK(header.checksum_start == (offload ? 2 : 0));
    CHECK(static_cast<uint8_t>(sent[0][14]) == (offload ? 0 : 0x22));
    CHECK(static_cast<uint8_t>(sent[0][15]) == (offload ? 0 : 0x0d));
  }
}

// A TCP segment over IPv4 with a chain of two more buffers behind it, to be cut by the device.
static PacketBuffer* large_frame(Card& card, uint8_t tcp_flags) {
  PacketBuffer* const frame = card.pool.allocate();
  std::memset(frame->data, 0, 54 + 12);
  frame->data[34 + 12] = std::byte{0x80};  // 8 words of header
  frame->data[34 + 13] = static_cast<std::byte>(tcp_flags);
  frame->length = 54 + 12;
  frame->checksum = ChecksumState::kSegmentsIpv4;
  frame->checksum_start = 34;
  frame->checksum_offset = 16;
  frame->segment_size = 1448;
  frame->next = card.pool.allocate();
  frame->next->length = 2000;
  std::memset(frame->next->data, 'x', 2000);
  return frame;
}

TEST_CASE("frames that the device is to cut carry the sizes, and only where it does that") {
  for (const bool reduced : {false, true}) {
    NetQueueFeatures features{true, true, true};
    features.segments_ipv4 = true;
    features.segments_reduced = reduced;
    Card card(features);
    card.pair.transmit(large_frame(card, 0x90));
    card.pair.transmit(large_frame(card, 0x10));
    PacketBuffer* ipv6 = large_frame(card, 0x10);
    ipv6->checksum = ChecksumState::kSegmentsIpv6;
    card.pair.transmit(ipv6);
    // A header that would not be in the first buffer.
    PacketBuffer* broken = large_frame(card, 0x10);
    broken->data[34 + 12] = std::byte{0xf0};
    card.pair.transmit(broken);
    broken = large_frame(card, 0x10);
    broken->checksum_start = 50;
    card.pair.transmit(broken);
    CHECK(card.pair.statistics().dropped_malformed == 3);
    CHECK(card.pair.census().transmit_ring == 4);
    const auto sent = card.drain();
    REQUIRE(sent.size() == 2);
    for (size_t i = 0; i < 2; ++i) {
      NetHeader header;
      std::memcpy(&header, sent[i].data(), 12);
      CHECK(header.flags == 1);
      CHECK(header.gso_type == (reduced && i == 0 ? 0x81 : 1));
      CHECK(header.header_length == 66);
      CHECK(header.gso_size == 1448);
      CHECK(header.checksum_start == 34);
      CHECK(header.checksum_offset == 16);
      CHECK(sent[i].size() == 12 + 66 + 2000);
    }
    card.pair.reclaim();
    CHECK(card.pair.census().free == 32);
  }
}

TEST_CASE("what the device joined is told, what it was not asked for is not believed") {
  NetQueueFeatures features{true, true, true};
  for (const bool asked : {false, true}) {
    features.receive_joined = asked;
    Card card(features, 128);
    const std::string frame(5000, 'j');
    const NetHeader headers[] = {{.flags = 1, .gso_type = 1, .gso_size = 1448},
                                 {.flags = 1, .gso_type = 0x84, .gso_size = 1000},
                                 {.flags = 1, .gso_type = 3, .gso_size = 1000},
                                 {.flags = 1, .gso_type = 1, .gso_size = 0},
                                 {.flags = 0, .gso_type = 1, .gso_size = 1000},
                                 {.flags = 1}};
    for (const NetHeader& header : headers) REQUIRE(card.deliver(frame, header));
    std::array<PacketBuffer*, 32> frames;
    REQUIRE(card.pair.receive(frames) == 6);
    for (size_t i = 0; i < 6; ++i) {
      CAPTURE(i);
      const bool joined = asked && i < 2;
      CHECK(frames[i]->checksum == (joined   ? ChecksumState::kJoined
                                    : i == 5 ? ChecksumState::kValid
                                             : ChecksumState::kUnknown));
      if (joined) CHECK(frames[i]->segment_size == (i == 0 ? 1448 : 1000));
      CHECK(text(frames[i]) == frame);
      card.pool.release_chain(frames[i]);
    }
  }
}

TEST_CASE("a buffer that its sender keeps comes back to it, and is sent again") {
  Card card;
  PacketBuffer* const kept = card.pool.allocate();
  std::memcpy(kept->data, "again", 5);
  kept->length = 5;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(kept->share());
    card.pair.transmit(kept);
    CHECK(kept->references == 2);
    CHECK(card.pair.census().transmit_ring == 1);
    CHECK(card.drain() == std::vector{std::string(12, '\0') + "again"});
    card.pair.reclaim();
    CHECK(kept->references == 1);
    CHECK(card.pair.census().elsewhere == 1);
  }
  // Given up while the device has it.
  REQUIRE(kept->share());
  card.pair.transmit(kept);
  plumbline::net::release(kept);
  CHECK(card.pair.census().free == 31);
  CHECK(card.drain().size() == 1);
  card.pair.reclaim();
  CHECK(card.pair.census().free == 32);
}

TEST_CASE("a socket's queue sends through the ring: pieces of pages and references to them") {
  NetQueueFeatures features{true, true, true};
  features.segments_ipv4 = true;
  Card card(features);
  plumbline::net::tcp::MemorySource pages{
      [](void*, size_t bytes) { return std::aligned_alloc(bytes, bytes); },
      [](void*, void* memory, size_t) { std::free(memory); }, nullptr};
  {
    plumbline::net::QueueMemory memory(card.pool, pages, 1 << 20);
    unsigned reclaims = 0;
    struct Hook {
      Card& card;
      unsigned& reclaims;
    } hook{card, reclaims};
    memory.set_reclaim(
        [](void* context) {
          auto& called = *static_cast<Hook*>(context);
          ++called.reclaims;
          called.card.pair.reclaim();
        },
        &hook);
    plumbline::net::zerocopy::SendQueue queue(memory);
    std::string expected;
    uint32_t queued = 0;
    for (int round = 0; round < 200; ++round) {
      const uint32_t length = round % 3 == 0 ? 100 : 40000;
      const std::string message(length, static_cast<char>('a' + round % 26));
      REQUIRE(queue.append(length, [&](std::span<std::byte> to) {
        std::memset(to.data(), message[0], to.size());
        return to.size();
      }) == length);
      PacketBuffer* const frame = queue.make_frame(66, queued, length);
      REQUIRE(frame != nullptr);
      std::memset(frame->data, 0, 66);
      frame->data[34 + 12] = std::byte{0x80};
      if (length > 1448) {
        frame->checksum = ChecksumState::kSegmentsIpv4;
        frame->checksum_start = 34;
        frame->checksum_offset = 16;
        frame->segment_size = 1448;
      }
      card.pair.transmit(frame);
      expected = message;
      const auto sent = card.drain();
      REQUIRE(sent.size() == 1);
      REQUIRE(sent[0].substr(78) == expected);
      if (round % 4 == 0) {
        queued += length;
      } else {
        queue.acknowledge(length + queued);
        queued = 0;
      }
    }
    queue.acknowledge(queue.size());
    // What the device has sent and nobody has taken back is found when memory is short.
    card.pair.reclaim();
    for (int i = 0; i < 8; ++i) card.pair.transmit(memory.allocate_control(54));
    CHECK(card.drain().size() == 8);
    CHECK(card.pair.census().transmit_ring == 8);
    reclaims = 0;
    std::vector<PacketBuffer*> frames;
    while (PacketBuffer* const control = memory.allocate_control(54)) frames.push_back(control);
    CHECK(frames.size() == 32);
    CHECK(reclaims != 0);
    for (PacketBuffer* const frame : frames) plumbline::net::release(frame);
  }
  CHECK(card.pair.census().free == 32);
}

TEST_CASE("a transmit ring that stays full drops and counts, and loses no buffer") {
  Card card({true, true, true}, 96);
  std::vector<PacketBuffer*> frames;
  while (PacketBuffer* const frame = card.pool.allocate()) {
    frame->length = 60;
    frames.push_back(frame);
  }
  REQUIRE(frames.size() == 64);
  card.pair.transmit(frames);
  CHECK(card.pair.statistics().packets_sent == 32);
  CHECK(card.pair.statistics().dropped_ring_full == 32);
  CHECK(card.pair.census().transmit_ring == 32);
  CHECK(card.pair.census().free == 32);
  CHECK(card.drain().size() == 32);
  card.pair.reclaim();
  CHECK(card.pair.census().free == 64);
}

TEST_CASE("a pool that is sent whole comes back, as soon as the device has sent") {
  Card card({true, true, true}, 48);  // 32 to receive, 16 for answers
  for (int round = 0; round < 3; ++round) {
    std::vector<PacketBuffer*> frames;
    while (PacketBuffer* const frame = card.pool.allocate()) {
      frame->length = 60;
      frames.push_back(frame);
    }
    // The first frames of a round may still be in the ring from the round before.
    REQUIRE(!frames.empty());
    card.pair.transmit(frames);
    // A device that sends nothing gives nothing back, and is not waited for without end.
    if (round == 0) CHECK_FALSE(card.pair.recover_buffers());
    CHECK(card.drain().size() == frames.size());
    CHECK(card.pair.recover_buffers());
    CHECK(card.pair.census().free == 16);
    CHECK(card.pair.census().elsewhere == 0);
  }
}

TEST_CASE("a frame of too many pieces is dropped, whole") {
  Card card({true, true, true}, 150);
  PacketBuffer* head = nullptr;
  for (int i = 0; i < 40; ++i) {  // more than the ring has descriptors
    PacketBuffer* const piece = card.pool.allocate();
    piece->length = 1;
    piece->next = head;
    head = piece;
  }
  card.pair.transmit({&head, 1});
  CHECK(card.pair.statistics().dropped_too_many_pieces == 1);
  CHECK(card.pair.census().elsewhere == 0);
}

TEST_CASE("interrupts: silent while polling, one when armed, and the wake-up is called") {
  for (const bool event_index : {true, false}) {
    Card card({true, true, true}, 64, event_index);
    card.pair.set_interrupts_available(true);
    unsigned woken = 0;
    card.pair.set_wake([](void* count) { ++*static_cast<unsigned*>(count); }, &woken);
    std::array<PacketBuffer*, 8> frames;
    REQUIRE(card.deliver("a"));
    CHECK(card.interrupts == 0);
    CHECK_FALSE(card.pair.arm_interrupt());  // there is a frame
    REQUIRE(card.pair.receive(frames) == 1);
    card.pool.release(frames[0]);
    CHECK(card.pair.arm_interrupt());
    REQUIRE(card.deliver("b"));
    CHECK(card.interrupts == 1);
    NetQueuePair::interrupted(&card.pair);
    CHECK(woken == 1);
    CHECK(card.pair.statistics().interrupts == 1);
  }
}

TEST_CASE("a broken device is reported once and nothing more is taken or given") {
  Card card;
  broken_why = nullptr;
  card.pair.set_on_broken([](const char* queue, const char* why, uint32_t value) {
    CHECK(std::string(queue) == "receive");
    CHECK(broken_why == nullptr);
    broken_why = why;
    broken_value = value;
  });
  card.receive_device.use(1234, 60);
  std::array<PacketBuffer*, 8> frames;
  for (int i = 0; i < 3; ++i) CHECK(card.pair.receive(frames) == 0);
  REQUIRE(broken_why != nullptr);
  CHECK(broken_value == 1234);
}

TEST_CASE("soak: bursts, merged frames, copies, drops and idle times; every buffer accounted for") {
  for (const bool event_index : {true, false}) {
    Card card({true, true, true}, 64, event_index);
    card.pair.set_interrupts_available(true);
    std::mt19937 random(7);
    std::array<PacketBuffer*, 16> frames;
    std::vector<PacketBuffer*> kept;
    uint64_t delivered = 0;
    uint64_t seen = 0;
    for (int round = 0; round < 12000; ++round) {
      for (unsigned n = random() % 20; n != 0; --n)
        delivered += card.deliver(std::string(60 + random() % 3000, 'p'), {}, 1900);
      const size_t count = card.pair.receive(frames);
      seen += count;
      std::vector<PacketBuffer*> answers;
      for (size_t i = 0; i < count; ++i) {
        switch (random() % 8) {
          case 0:
            card.pool.release_chain(frames[i]);
            break;  // no answer
          case 1:
            kept.push_back(frames[i]);
            break;  // the stack holds it, for a while
          default:
            answers.push_back(frames[i]);
        }
      }
      while (kept.size() > 4) {
        answers.push_back(kept.back());
        kept.pop_back();
      }
      card.pair.transmit(answers);
      if (random() % 4 != 0) card.drain();
      if (random() % 64 == 0) (void)card.pair.arm_interrupt(), card.pair.disarm_interrupt();
      size_t elsewhere = 0;
      for (PacketBuffer* head : kept)
        for (; head != nullptr; head = head->next) ++elsewhere;
      // Buffers of a half-taken frame are elsewhere too: never more than one frame's.
      REQUIRE(card.pair.census().elsewhere >= elsewhere);
      REQUIRE(card.pair.census().elsewhere <= elsewhere + 1);
    }
    for (PacketBuffer* const head : kept) card.pool.release_chain(head);
    while (const size_t count = card.pair.receive(frames)) {
      seen += count;
      for (size_t i = 0; i < count; ++i) card.pool.release_chain(frames[i]);
    }
    card.drain();
    (void)card.pair.arm_interrupt();
    CHECK(seen == delivered);
    CHECK(card.pair.statistics().packets_received == delivered);
    CHECK(card.pair.census().elsewhere == 0);
    CHECK(card.pair.census().transmit_ring == 0);
    CHECK(card.pair.census().free == 32);
    CHECK(delivered > 20000);
  }
}
