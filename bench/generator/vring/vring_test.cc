#include <doctest/doctest.h>

#include <algorithm>

#include "vring/receive_ring.hh"
#include "vring/send_ring.hh"
#include "vring/test_guest.hh"

using namespace plumbline::generator;

namespace {

constexpr size_t kBufferBytes = TestGuest::kBufferBytes;

void send(SendRing& ring, const std::string& text) {
  const auto room = ring.reserve(1);
  REQUIRE(room.size() == 1);
  std::memcpy(room[0], text.data(), text.size());
  const auto bytes = static_cast<uint16_t>(text.size());
  ring.commit({&bytes, 1});
}

std::string text_of(std::span<const uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

// The frames of three calls, the stages of a burst, in one; given back when `release`.
std::vector<std::string> receive(ReceiveRing& ring, bool release = true) {
  for (int stage = 0; stage < 2; ++stage) {
    REQUIRE(ring.take().empty());
    ring.release();
  }
  std::vector<std::string> texts;
  for (const auto frame : ring.take()) texts.push_back(text_of(frame));
  if (release) ring.release();
  return texts;
}

// Puts a frame behind a header at the beginning of a buffer.
uint32_t fill(TestGuest& guest, size_t buffer, const std::string& text) {
  std::memset(guest.buffer(buffer), 0xee, guest.area.header_bytes);
  std::memcpy(guest.buffer(buffer) + guest.area.header_bytes, text.data(), text.size());
  return static_cast<uint32_t>(guest.area.header_bytes + text.size());
}

}  // namespace

TEST_CASE("guest memory is what lies in one region, whatever address and length say") {
  std::vector<uint8_t> low(4096), high(4096);
  const GuestMemory memory({{0x1000, low.size(), low.data()}, {0x10000, high.size(), high.data()}});
  CHECK(memory.translate(0x1000, 4096) == low.data());
  CHECK(memory.translate(0x10fff, 1) == high.data() + 4095);
  CHECK(memory.translate(0x1001, 4096) == nullptr);
  CHECK(memory.translate(0xfff, 1) == nullptr);
  CHECK(memory.translate(0x2000, 1) == nullptr);
  CHECK(memory.translate(0x1000, ~uint64_t{0}) == nullptr);
  CHECK(memory.translate(~uint64_t{0}, 2) == nullptr);
  CHECK(memory.contains(low.data(), 4096));
  CHECK(memory.contains(high.data() + 4090, 6));
  CHECK_FALSE(memory.contains(low.data() + 1, 4096));
  CHECK_FALSE(memory.contains(low.data(), ~uint64_t{0}));
  CHECK_FALSE(memory.contains(&memory, 1));
}

TEST_CASE("a frame is written into the guest's buffer behind a header that asks for nothing") {
  for (const uint16_t header : {uint16_t{12}, uint16_t{10}}) {
    TestGuest guest(8, false, header);
    std::memset(guest.buffer(3), 0xff, kBufferBytes);
    guest.describe(5, TestGuest::address(3), kBufferBytes, VRING_DESC_F_WRITE);
    guest.offer(5);
    SendRing ring(guest.area, guest.memory);
    CHECK_FALSE(guest.next_used());
    send(ring, "hello");
    const auto used = guest.next_used();
    REQUIRE(used);
    CHECK(used->id == 5);
    CHECK(used->len == header + 5u);
    const uint8_t expected[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0};
    CHECK(std::memcmp(guest.buffer(3), expected, header) == 0);
    CHECK(std::memcmp(guest.buffer(3) + header, "hello", 5) == 0);
    CHECK(ring.reserve(1).empty());
  }
}

TEST_CASE("a frame goes into a chain and into indirect descriptors") {
  TestGuest guest(8);
  guest.describe(0, TestGuest::address(0), 12, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 4);
  guest.describe(4, TestGuest::address(1), 3, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 2);
  guest.describe(2, TestGuest::address(2), 1511, VRING_DESC_F_WRITE);
  const vring_desc table[2] = {
      {TestGuest::address(5), 20, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 1},
      {TestGuest::address(6), 1600, VRING_DESC_F_WRITE, 0}};
  std::memcpy(guest.buffer(4), table, sizeof table);
  guest.describe(1, TestGuest::address(4), sizeof table, VRING_DESC_F_INDIRECT);
  guest.offer(0);
  guest.offer(1);
  SendRing ring(guest.area, guest.memory);
  send(ring, "first frame");
  send(ring, "second frame");
  CHECK(guest.next_used()->id == 0);
  CHECK(guest.next_used()->id == 1);
  CHECK(std::memcmp(guest.buffer(1), "fir", 3) == 0);
  CHECK(std::memcmp(guest.buffer(2), "st frame", 8) == 0);
  CHECK(std::memcmp(guest.buffer(5) + 12, "second f", 8) == 0);
  CHECK(std::memcmp(guest.buffer(6), "rame", 4) == 0);
}

TEST_CASE("receive buffers that are no use are given back, and those behind them are used") {
  TestGuest guest(16);
  const uint16_t write = VRING_DESC_F_WRITE;
  guest.describe(0, TestGuest::address(0), 100, write);                       // too short
  guest.describe(1, TestGuest::address(1), kBufferBytes, 0);                  // the wrong direction
  guest.describe(2, 0x10, kBufferBytes, write);                               // no memory there
  guest.describe(3, TestGuest::address(255), kBufferBytes + 1, write);        // beyond the end
  guest.describe(4, TestGuest::address(4), 1, write | VRING_DESC_F_NEXT, 4);  // a circle
  guest.describe(5, TestGuest::address(5), kBufferBytes, write);
  for (const uint16_t head : {0, 1, 2, 3, 4, 777, 5}) guest.offer(head);
  SendRing ring(guest.area, guest.memory);
  send(ring, "x");
  for (const uint32_t id : {0u, 1u, 2u, 3u, 4u, 777u}) {
    const auto used = guest.next_used();
    REQUIRE(used);
    CHECK(used->id == id);
    CHECK(used->len == 0);
  }
  CHECK(guest.next_used()->id == 5);
}

TEST_CASE("reserving takes nothing, and a burst keeps the guest's order") {
  TestGuest guest(128);
  for (uint16_t i = 0; i < 128; ++i) {
    guest.describe(i, TestGuest::address(i), kBufferBytes, VRING_DESC_F_WRITE);
    guest.offer(i);
  }
  SendRing ring(guest.area, guest.memory);
  CHECK(ring.reserve(40).size() == 40);
  CHECK(ring.reserve(64).size() == 64);
  CHECK(ring.reserve(64)[0] == guest.buffer(0) + 12);
  CHECK_FALSE(guest.next_used());
  std::vector<uint16_t> bytes(50, 60);
  ring.commit(bytes);
  CHECK(ring.reserve(64).size() == 64);
  CHECK(ring.reserve(64)[0] == guest.buffer(50) + 12);
  for (uint16_t i = 0; i < 50; ++i) CHECK(guest.next_used()->id == i);
  CHECK_FALSE(guest.next_used());
}

TEST_CASE("frames of the guest are read in place, pieced together when they must be") {
  TestGuest guest(16);
  uint32_t length = fill(guest, 0, "in one buffer");
  guest.describe(7, TestGuest::address(0), length, 0);
  guest.describe(1, TestGuest::address(1), 12, VRING_DESC_F_NEXT, 2);
  std::memcpy(guest.buffer(2), "behind its header", 17);
  guest.describe(2, TestGuest::address(2), 17, 0);
  length = fill(guest, 3, "three ");
  guest.describe(3, TestGuest::address(3), length - 3, VRING_DESC_F_NEXT, 4);
  guest.describe(4, TestGuest::address(3) + length - 3, 3, VRING_DESC_F_NEXT, 5);
  std::memcpy(guest.buffer(5), "pieces", 6);
  guest.describe(5, TestGuest::address(5), 6, 0);
  const vring_desc table[2] = {{TestGuest::address(6), 12, VRING_DESC_F_NEXT, 1},
                               {TestGuest::address(8), 8, 0, 0}};
  std::memcpy(guest.buffer(7), table, sizeof table);
  std::memcpy(guest.buffer(8), "indirect", 8);
  guest.describe(6, TestGuest::address(7), sizeof table, VRING_DESC_F_INDIRECT);
  for (const uint16_t head : {7, 1, 3, 6}) guest.offer(head);

  ReceiveRing ring(guest.area, guest.memory);
  const auto texts = receive(ring, false);
  CHECK(texts ==
        std::vector<std::string>{"in one buffer", "behind its header", "three pieces", "indirect"});
  CHECK_FALSE(guest.next_used());
  ring.release();
  for (const uint32_t id : {7u, 1u, 3u, 6u}) CHECK(guest.next_used()->id == id);
}

TEST_CASE("what the guest gets wrong when it sends is a frame of no bytes") {
  TestGuest guest(16);
  guest.describe(0, TestGuest::address(0), 11, 0);                      // no whole header
  guest.describe(1, TestGuest::address(1), 100, VRING_DESC_F_WRITE);    // wrong direction
  guest.describe(2, ~uint64_t{0} - 5, 100, 0);                          // wraps around
  guest.describe(3, TestGuest::address(3), ~0u, 0);                     // longer than memory
  guest.describe(4, TestGuest::address(4), 100, VRING_DESC_F_NEXT, 5);  // a circle of two
  guest.describe(5, TestGuest::address(5), 100, VRING_DESC_F_NEXT, 4);
  guest.describe(6, TestGuest::address(6), 100, VRING_DESC_F_NEXT, 16);     // beyond the table
  guest.describe(7, TestGuest::address(7), 24, VRING_DESC_F_INDIRECT);      // no whole entries
  guest.describe(8, TestGuest::address(8) + 1, 16, VRING_DESC_F_INDIRECT);  // not aligned
  guest.describe(9, TestGuest::address(9), 16, VRING_DESC_F_INDIRECT);      // one within another
  const vring_desc nested = {TestGuest::address(10), 16, VRING_DESC_F_INDIRECT, 0};
  std::memcpy(guest.buffer(9), &nested, sizeof nested);
  guest.describe(10, TestGuest::address(11), 2047, VRING_DESC_F_NEXT, 11);  // more than a frame
  guest.describe(11, TestGuest::address(12), 2047, 0);
  for (const uint16_t head : {0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 16, 0xffff}) guest.offer(head);
  ReceiveRing ring(guest.area, guest.memory);
  CHECK(receive(ring) == std::vector<std::string>(12));
  for (int i = 0; i < 12; ++i) CHECK(guest.next_used());
  CHECK_FALSE(guest.next_used());
}

TEST_CASE("an index that runs away makes no more available than the ring has") {
  TestGuest guest(8);
  for (uint16_t i = 0; i < 8; ++i)
    guest.describe(i, TestGuest::address(i), kBufferBytes, VRING_DESC_F_WRITE);
  guest.area.available->idx = 40'000;
  SendRing sending(guest.area, guest.memory);
  CHECK(sending.reserve(64).size() == 8);
  ReceiveRing receiving(guest.area, guest.memory);
  CHECK(receive(receiving).size() == 8);
}

TEST_CASE("all frames arrive in order while the numbers go round") {
  TestGuest guest(8);
  constexpr int kFrames = 150'000;
  ReceiveRing ring(guest.area, guest.memory);
  int offered = 0, received = 0, returned = 0;
  while (received < kFrames) {
    for (; offered < kFrames && offered - returned < 8; ++offered) {
      const auto slot = static_cast<uint16_t>(offered % 8);
      const uint32_t length = fill(guest, slot, std::to_string(offered));
      guest.describe(slot, TestGuest::address(slot), length, 0);
      guest.offer(slot);
    }
    for (const auto frame : ring.take()) {
      REQUIRE(text_of(frame) == std::to_string(received));
      ++received;
    }
    ring.release();
    while (guest.next_used()) ++returned;
  }
  CHECK(offered == kFrames);
}

TEST_CASE("the guest is interrupted when it asks for it and not otherwise") {
  SUBCASE("by flag") {
    TestGuest guest(8);
    for (uint16_t i = 0; i < 8; ++i) {
      guest.describe(i, TestGuest::address(i), kBufferBytes, VRING_DESC_F_WRITE);
      guest.offer(i);
    }
    SendRing ring(guest.area, guest.memory);
    send(ring, "a");
    CHECK_FALSE(ring.told());
    CHECK(guest.interrupts() == 0);
    ring.tell();
    CHECK(ring.told());
    CHECK(guest.interrupts() == 1);
    ring.tell();
    CHECK(guest.interrupts() == 0);
    guest.area.available->flags = VRING_AVAIL_F_NO_INTERRUPT;
    send(ring, "b");
    ring.tell();
    CHECK(guest.interrupts() == 0);
  }
  SUBCASE("by event index") {
    TestGuest guest(8, true);
    for (uint16_t i = 0; i < 8; ++i) {
      guest.describe(i, TestGuest::address(i), kBufferBytes, VRING_DESC_F_WRITE);
      guest.offer(i);
    }
    guest.used_event() = 2;  // when the third is used
    SendRing ring(guest.area, guest.memory);
    send(ring, "a");
    ring.tell();
    send(ring, "b");
    ring.tell();
    CHECK(guest.interrupts() == 0);
    send(ring, "c");
    ring.tell();
    CHECK(guest.interrupts() == 1);
    send(ring, "d");
    ring.tell();
    CHECK(guest.interrupts() == 0);
    guest.used_event() = 5;
    const std::vector<uint16_t> bytes(3, 60);
    CHECK(ring.reserve(3).size() == 3);
    ring.commit(bytes);
    ring.tell();
    CHECK(guest.interrupts() == 1);
  }
}

TEST_CASE("the guest never has a reason to notify") {
  SUBCASE("by flag") {
    TestGuest guest(8);
    ReceiveRing ring(guest.area, guest.memory);
    CHECK(guest.area.used->flags == VRING_USED_F_NO_NOTIFY);
  }
  SUBCASE("by event index, through all numbers") {
    TestGuest guest(8, true);
    ReceiveRing ring(guest.area, guest.memory);
    const uint32_t length = fill(guest, 0, "x");
    guest.describe(0, TestGuest::address(0), length, 0);
    for (int i = 0; i < 200'000; ++i) {
      const uint16_t before = guest.area.available->idx;
      guest.offer(0);
      REQUIRE_FALSE(vring_need_event(guest.available_event(), guest.area.available->idx, before));
      ring.take();
      ring.release();
    }
  }
}

TEST_CASE("a ring that was taken away goes on where it was") {
  TestGuest guest(8);
  for (uint16_t i = 0; i < 4; ++i) {
    const uint32_t length = fill(guest, i, std::to_string(i));
    guest.describe(i, TestGuest::address(i), length, 0);
    guest.offer(i);
  }
  std::optional<ReceiveRing> ring(std::in_place, guest.area, guest.memory);
  ring->take();
  ring->release();
  ring->take();  // two stages done, nothing handed out
  ring->release();
  guest.area.position = ring->position();
  ring.emplace(guest.area, guest.memory);
  CHECK(receive(*ring) == std::vector<std::string>{"0", "1", "2", "3"});
  guest.area.position = ring->position();
  ring.emplace(guest.area, guest.memory);
  guest.offer(2);
  CHECK(receive(*ring) == std::vector<std::string>{"2"});
  CHECK(guest.area.used->idx == 5);
}
