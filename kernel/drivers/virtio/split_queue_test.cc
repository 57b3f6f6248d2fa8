#include "drivers/virtio/split_queue.hh"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <random>
#include <string>
#include <thread>
#include <unordered_set>

#include "drivers/virtio/simulated_device.hh"

using namespace plumbline::virtio;

namespace {

struct Pair {
  explicit Pair(uint16_t size, bool event_index = true)
      : memory(size), device(size, memory.data(), event_index) {
    queue.init(size, memory.data(), event_index);
  }
  QueueMemory memory;
  SplitQueue queue;
  SimulatedDevice device;
};

void* token(uintptr_t n) { return reinterpret_cast<void*>(n); }

// Offers one buffer and publishes it.
void offer(Pair& pair, uintptr_t n, uint32_t length = 100) {
  REQUIRE(pair.queue.add_writable({n * 4096, length}, token(n)));
  (void)pair.queue.publish();
}

}  // namespace

TEST_CASE("a layout keeps the specification's alignment and the rings apart") {
  for (uint16_t size = 1; size != 0 && size <= SplitQueue::kMaximumSize;
       size = uint16_t(size * 2)) {
    const SplitLayout layout = split_layout(size);
    CHECK(layout.available >= size_t{16} * size);
    CHECK(layout.used >= layout.available + 6 + size_t{2} * size);
    CHECK(layout.bytes >= layout.used + 6 + size_t{8} * size);
    CHECK(layout.available % 128 == 0);
    CHECK(layout.used % 128 == 0);
  }
  CHECK(split_layout(256).bytes == 4096 + 640 + 2176);
}

TEST_CASE("a buffer goes to the device and comes back") {
  Pair pair(8);
  REQUIRE(pair.queue.add_readable({0x1234000, 60}, token(7)));
  CHECK_FALSE(pair.device.next_available());  // not before it is published
  CHECK(pair.queue.publish());                // avail_event is 0: the first one is wanted
  const auto chain = pair.device.next_available();
  REQUIRE(chain);
  REQUIRE(chain->pieces.size() == 1);
  CHECK(chain->pieces[0].address == 0x1234000);
  CHECK(chain->pieces[0].length == 60);
  CHECK_FALSE(chain->pieces[0].writable);
  CHECK_FALSE(pair.queue.has_used());
  pair.device.use(chain->head, 0);
  CHECK(pair.queue.has_used());
  std::array<Completion, 4> done;
  REQUIRE(pair.queue.take_used(done) == 1);
  CHECK(done[0].token == token(7));
  CHECK(pair.queue.in_flight() == 0);
  CHECK(pair.queue.free_descriptors() == 8);
}

TEST_CASE("a chain of several segments keeps order, direction and total length") {
  Pair pair(8);
  const std::array<Segment, 2> out{{{0x1000, 10}, {0x2000, 20}}};
  const std::array<Segment, 2> in{{{0x3000, 30}, {0x4000, 40}}};
  REQUIRE(pair.queue.add(out, in, token(1)));
  CHECK(pair.queue.free_descriptors() == 4);
  (void)pair.queue.publish();
  const auto chain = pair.device.next_available();
  REQUIRE(chain);
  REQUIRE(chain->pieces.size() == 4);
  CHECK(chain->pieces[1].address == 0x2000);
  CHECK_FALSE(chain->pieces[1].writable);
  CHECK(chain->pieces[3].length == 40);
  CHECK(chain->pieces[3].writable);
  pair.device.use(chain->head, 70);
  std::array<Completion, 1> done;
  REQUIRE(pair.queue.take_used(done) == 1);
  CHECK(done[0].length == 70);
  CHECK(pair.queue.free_descriptors() == 8);
}

TEST_CASE("a full ring refuses, and works again afterwards") {
  Pair pair(4);
  for (uintptr_t n = 1; n <= 4; ++n) REQUIRE(pair.queue.add_writable({n, 8}, token(n)));
  CHECK_FALSE(pair.queue.add_writable({5, 8}, token(5)));
  const std::array<Segment, 1> one{{{6, 8}}};
  CHECK_FALSE(pair.queue.add(one, {}, token(6)));
  (void)pair.queue.publish();
  pair.device.use(pair.device.next_available()->head, 8);
  std::array<Completion, 4> done;
  REQUIRE(pair.queue.take_used(done) == 1);
  CHECK(pair.queue.add_writable({5, 8}, token(5)));
  CHECK(pair.queue.broken() == nullptr);
}

TEST_CASE("200,000 buffers, in any order, across every wraparound: none lost, none twice") {
  for (const bool event_index : {false, true}) {
    Pair pair(64, event_index);
    std::mt19937 random(1);
    std::unordered_set<void*> outstanding;
    std::vector<SimulatedDevice::Chain> held;
    uintptr_t next = 1;
    size_t back = 0;
    while (back < 200000) {
      for (unsigned n = random() % 16; n > 0; --n) {
        const std::array<Segment, 3> segments{{{next, 16}, {next + 1, 16}, {next + 2, 16}}};
        const size_t count = 1 + random() % 3;
        if (pair.queue.add({}, std::span(segments).first(count), token(next)))
          outstanding.insert(token(next++));
      }
      (void)pair.queue.publish();
      while (auto chain = pair.device.next_available()) held.push_back(*chain);
      std::shuffle(held.begin(), held.end(), random);
      for (unsigned n = random() % 16; n > 0 && !held.empty(); --n) {
        pair.device.use(held.back().head, 16);
        held.pop_back();
      }
      std::array<Completion, 5> done;
      const size_t count = pair.queue.take_used(done);
      for (size_t i = 0; i < count; ++i) REQUIRE(outstanding.erase(done[i].token) == 1);
      back += count;
      REQUIRE(pair.queue.in_flight() == outstanding.size());
    }
    CHECK(pair.queue.broken() == nullptr);
  }
}

TEST_CASE("ids of an in-order device repeat, so the available ring need not be rewritten") {
  Pair pair(8);
  for (uintptr_t n = 1; n < 100; ++n) {
    offer(pair, n);
    const auto chain = pair.device.next_available();
    CHECK(chain->head == (n - 1) % 8);
    pair.device.use(chain->head, 1);
    std::array<Completion, 1> done;
    REQUIRE(pair.queue.take_used(done) == 1);
  }
}

TEST_CASE("notifications: EVENT_IDX asks for one at a chosen place") {
  Pair pair(64);
  pair.device.want_notification(2);  // at the third
  for (uintptr_t n = 1; n <= 6; ++n) {
    REQUIRE(pair.queue.add_readable({n, 1}, token(n)));
    CHECK(pair.queue.publish() == (n == 3));
  }
  while (pair.device.next_available()) {
  }
  pair.device.want_notification(2);
  for (uintptr_t n = 7; n <= 12; ++n) REQUIRE(pair.queue.add_readable({n, 1}, token(n)));
  CHECK(pair.queue.publish());        // one publication that covers it
  CHECK_FALSE(pair.queue.publish());  // nothing new
}

TEST_CASE("notifications: without EVENT_IDX the device's flag decides") {
  Pair pair(8, false);
  pair.device.no_notification(true);
  REQUIRE(pair.queue.add_readable({1, 1}, token(1)));
  CHECK_FALSE(pair.queue.publish());
  pair.device.no_notification(false);
  REQUIRE(pair.queue.add_readable({2, 1}, token(2)));
  CHECK(pair.queue.publish());
}

TEST_CASE("interrupts: silent while disarmed, even over 200,000 buffers; one when armed") {
  for (const bool event_index : {false, true}) {
    Pair pair(16, event_index);
    pair.queue.disarm_interrupt();
    std::array<Completion, 1> done;
    for (uintptr_t n = 1; n <= 200000; ++n) {
      offer(pair, n);
      REQUIRE_FALSE(pair.device.use(pair.device.next_available()->head, 1));
      REQUIRE(pair.queue.take_used(done) == 1);
      if (n % 1000 == 0) {
        CHECK(pair.queue.arm_interrupt());
        offer(pair, n);
        REQUIRE(pair.device.use(pair.device.next_available()->head, 1));
        CHECK_FALSE(pair.queue.arm_interrupt());  // something is there: do not sleep
        pair.queue.disarm_interrupt();
        REQUIRE(pair.queue.take_used(done) == 1);
      }
    }
  }
}

TEST_CASE("a device that misbehaves breaks the queue, and nothing else") {
  Pair pair(8);
  std::array<Completion, 8> done;
  offer(pair, 1);
  offer(pair, 2);
  const uint16_t first = pair.device.next_available()->head;
  const char* expected = nullptr;
  size_t good = 0;
  SUBCASE("id out of range") {
    pair.device.use(8, 1);
    expected = "a used id is out of range";
  }
  SUBCASE("id far out of range") {
    pair.device.use(0xffffffff, 1);
    expected = "a used id is out of range";
  }
  SUBCASE("id never offered") {
    pair.device.use(5, 1);
    expected = "a used id was not offered, or is used twice";
  }
  SUBCASE("id twice") {
    pair.device.use(first, 1);
    pair.device.use(first, 1);
    good = 1;
    expected = "a used id was not offered, or is used twice";
  }
  SUBCASE("absurd length") {
    pair.device.use(first, 101);
    expected = "a used length is larger than the buffer";
  }
  SUBCASE("used index ahead") {
    pair.device.run_ahead(3);
    expected = "the used index is ahead of the buffers offered";
  }
  SUBCASE("used index backwards") {
    pair.device.run_ahead(0xffff);
    expected = "the used index is ahead of the buffers offered";
  }
  CHECK(pair.queue.take_used(done) == good);
  REQUIRE(pair.queue.broken() != nullptr);
  CHECK(std::string(pair.queue.broken()) == expected);
  // It takes and gives nothing any more, and does not look.
  CHECK_FALSE(pair.queue.add_writable({9, 9}, token(9)));
  CHECK_FALSE(pair.queue.publish());
  CHECK_FALSE(pair.queue.has_used());
  CHECK(pair.queue.take_used(done) == 0);
  // After a reset of the device every buffer comes home, once.
  std::unordered_set<void*> home;
  pair.queue.abandon([&](void* t) { CHECK(home.insert(t).second); });
  CHECK(home.size() == 2 - good);
}

TEST_CASE("an unpublished buffer counts as not offered") {
  Pair pair(8);
  REQUIRE(pair.queue.add_writable({1, 8}, token(1)));
  pair.device.use(0, 1);
  std::array<Completion, 8> done;
  CHECK(pair.queue.take_used(done) == 0);
  CHECK(pair.queue.broken() != nullptr);
}

TEST_CASE("driver and device on two threads (the order of every access; run under TSan)") {
  constexpr uintptr_t kCount = 20000;
  Pair pair(32);
  std::array<uint32_t, 33> payload{};  // one word per token, handed to and fro
  std::thread device([&] {
    for (uintptr_t n = 0; n < kCount;) {
      const auto chain = pair.device.next_available();
      if (!chain) {
        std::this_thread::yield();
        continue;
      }
      auto* const word = reinterpret_cast<uint32_t*>(chain->pieces[0].address);
      *word += 1;
      pair.device.use(chain->head, 4);
      ++n;
    }
  });
  std::deque<uintptr_t> idle;
  for (uintptr_t n = 1; n <= 32; ++n) idle.push_back(n);
  uintptr_t offered = 0;
  uintptr_t back = 0;
  std::array<Completion, 8> done;
  while (back < kCount) {
    while (!idle.empty() && offered < kCount) {
      const uintptr_t n = idle.front();
      REQUIRE(pair.queue.add_writable({reinterpret_cast<uintptr_t>(&payload[n]), 4}, token(n)));
      idle.pop_front();
      ++offered;
    }
    (void)pair.queue.publish();
    const size_t count = pair.queue.take_used(done);
    for (size_t i = 0; i < count; ++i) idle.push_back(reinterpret_cast<uintptr_t>(done[i].token));
    back += count;
    if (count == 0) std::this_thread::yield();
  }
  device.join();
  uint32_t sum = 0;
  for (const uint32_t word : payload) sum += word;
  CHECK(sum == kCount);
}
