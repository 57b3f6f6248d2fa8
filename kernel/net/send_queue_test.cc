// Both variants of the send queue against a plain string.
#include "net/copy/send_queue.hh"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "net/queue_test_memory.hh"
#include "net/zerocopy/send_queue.hh"

namespace plumbline::net {
namespace {

// A frame that the device has: what it was told, and what it must find there whatever happens to
// the queue meanwhile.
struct InRing {
  PacketBuffer* frame;
  std::vector<std::span<std::byte>> parts;
  std::string expected;

  std::string found() const {
    std::string text;
    for (const auto part : parts) text += text_of(part);
    return text;
  }
};

InRing put_into_ring(PacketBuffer* frame, uint32_t headers, const std::string& payload,
                     unsigned number) {
  InRing sent{frame, {}, std::string(headers, static_cast<char>('A' + number % 26)) + payload};
  std::memset(frame->data, 'A' + static_cast<int>(number % 26), headers);
  // In front of it the driver puts its own header.
  std::memset(frame->data - PacketBuffer::kHeadroom, 0, PacketBuffer::kHeadroom);
  for (const PacketBuffer* piece = frame; piece != nullptr; piece = piece->next)
    sent.parts.push_back(piece->bytes());
  return sent;
}

template <class SendQueue>
uint32_t append(SendQueue& queue, std::string_view text, size_t at_most = ~size_t{0}) {
  return queue.append(static_cast<uint32_t>(text.size()), [&](std::span<std::byte> to) {
    const size_t count = std::min(to.size(), at_most);
    std::memcpy(to.data(), text.data(), count);
    text.remove_prefix(count);
    at_most -= count;
    return count;
  });
}

template <class SendQueue>
void compare_with_string(unsigned seed, size_t buffers, size_t most_bytes) {
  TestQueueMemory test(buffers, most_bytes);
  std::mt19937 random(seed);
  const auto below = [&](uint32_t most) { return static_cast<uint32_t>(random() % most); };
  uint64_t frames = 0;
  {
    SendQueue queue(test.memory);
    std::string model;
    uint32_t written = 0;
    std::vector<InRing> ring;
    const auto complete = [&](size_t index) {
      CHECK(ring[index].found() == ring[index].expected);
      release_chain(ring[index].frame);
      ring.erase(ring.begin() + static_cast<ptrdiff_t>(index));
    };
    for (int step = 0; step < 4000; ++step) {
      switch (below(9)) {
        case 0:
        case 1: {
          const uint32_t lengths[] = {below(100) + 1, below(2500) + 1, below(70000) + 1};
          const uint32_t length = lengths[below(3)];
          const size_t at_most = below(10) == 0 ? below(length + 1) : ~size_t{0};
          if (model.size() > 400000) break;
          const uint32_t count = append(queue, stream_bytes(written, length), at_most);
          REQUIRE(count <= std::min<size_t>(length, at_most));
          model += stream_bytes(written, count);
          written += count;
          break;
        }
        case 2: {
          if (model.empty()) break;
          const auto most = static_cast<uint32_t>(model.size()) + 1;
          const uint32_t length = below(2) == 0 ? below(most) : std::min(most - 1, below(3000));
          queue.acknowledge(length);
          model.erase(0, length);
          break;
        }
        case 3:
          if (!ring.empty()) complete(below(static_cast<uint32_t>(ring.size())));
          break;
        case 4: {
          // Somebody's buffer: of the device, or a piece; and it goes back when it was sent.
          if (model.size() > 400000) break;
          const bool device = below(2) == 0;
          const uint32_t length = below(device ? 2000 : 30000) + 1;
          PacketBuffer* const lent =
              device ? test.pool.allocate() : test.memory.allocate_piece(length + 12);
          if (lent == nullptr) break;
          const auto limit = std::min(length, static_cast<uint32_t>(lent->tailroom()));
          const std::string text = stream_bytes(written, limit);
          std::memcpy(lent->data, text.data(), limit);
          const uint32_t count = queue.hand_over(lent, lent->data, limit);
          REQUIRE(count <= limit);
          if (count < limit) release(lent);
          model += text.substr(0, count);
          written += count;
          break;
        }
        case 5:
          if (below(50) == 0) {
            test.refuse_pages = !test.refuse_pages;
          } else if (below(50) == 0) {
            queue.acknowledge(static_cast<uint32_t>(model.size()));
            model.clear();
          }
          break;
        default: {
          const uint32_t headers = 40 + below(77);
          const uint32_t offset = model.empty() ? 0 : below(static_cast<uint32_t>(model.size()));
          const uint32_t longest = static_cast<uint32_t>(model.size()) - offset;
          const uint32_t limits[] = {1, 1449, 65536};
          const uint32_t length = std::min(longest, below(limits[below(3)]));
          PacketBuffer* const frame = queue.make_frame(headers, offset, length);
          if (frame == nullptr) {
            while (!ring.empty()) complete(ring.size() - 1);
            break;
          }
          ++frames;
          size_t pieces = 0;
          for (const PacketBuffer* piece = frame; piece != nullptr; piece = piece->next) ++pieces;
          REQUIRE(pieces <= 20);
          ring.push_back(put_into_ring(frame, headers, model.substr(offset, length),
                                       static_cast<unsigned>(step)));
        }
      }
      REQUIRE(queue.size() == model.size());
      REQUIRE(queue.memory() >= queue.size());
    }
    for (const InRing& sent : ring) CHECK(sent.found() == sent.expected);
    // The queue may go while the device still has frames of it.
    if (seed % 2 == 0) {
      queue.acknowledge(queue.size());
      CHECK(queue.memory() == 0);
    }
    while (!ring.empty()) complete(0);
  }
  CHECK(frames > 500);
  CHECK(test.pool.in_use() == 0);
  // Only pages of references stay.
  CHECK(test.memory.bytes_in_use() <= 16 * 4096);
}

}  // namespace

TEST_CASE_TEMPLATE("a send queue is a string", SendQueue, copy::SendQueue, zerocopy::SendQueue) {
  for (unsigned seed = 0; seed < 6; ++seed) {
    CAPTURE(seed);
    compare_with_string<SendQueue>(seed, seed % 3 == 0 ? 40 : 600,
                                   seed % 2 == 0 ? 4 << 20 : 300000);
  }
}

TEST_CASE_TEMPLATE("an empty queue has no memory, and what fails leaves none behind", SendQueue,
                   copy::SendQueue, zerocopy::SendQueue) {
  TestQueueMemory test(64);
  SendQueue queue(test.memory);
  CHECK(queue.memory() == 0);
  CHECK(append(queue, "nothing", 0) == 0);
  CHECK(queue.memory() == 0);
  CHECK(append(queue, "something") == 9);
  CHECK(append(queue, std::string(100000, 'x'), 50000) == 50000);
  queue.acknowledge(9);
  queue.acknowledge(50000);
  CHECK(queue.size() == 0);
  CHECK(queue.memory() == 0);
  CHECK(test.pool.in_use() == 0);
  CHECK(sizeof(SendQueue) <= 48);
}

TEST_CASE("zerocopy: a message is its own frame, and is sent again from where it is") {
  TestQueueMemory test(64);
  zerocopy::SendQueue queue(test.memory);
  REQUIRE(append(queue, "hello") == 5);
  PacketBuffer* const frame = queue.make_frame(66, 0, 5);
  REQUIRE(frame != nullptr);
  CHECK(frame->next == nullptr);
  CHECK(test.pool.in_use() == 1);
  // With the device it is not to be written to: sent again, it gets other headers.
  PacketBuffer* const again = queue.make_frame(66, 0, 5);
  REQUIRE(again != nullptr);
  CHECK(again != frame);
  CHECK(text_of_chain(again).substr(66) == "hello");
  release_chain(again);
  release_chain(frame);
  // Back from the device.
  PacketBuffer* const third = queue.make_frame(66, 0, 5);
  CHECK(third == frame);
  // What is written now is the next frame's, and has a buffer of its own.
  REQUIRE(append(queue, "world") == 5);
  PacketBuffer* const next = queue.make_frame(66, 5, 5);
  CHECK(next->next == nullptr);
  CHECK(text_of_chain(next).substr(66) == "world");
  queue.acknowledge(10);
  CHECK(queue.memory() == 0);
  CHECK(text_of_chain(third).substr(66) == "hello");
  release_chain(third);
  release_chain(next);
  CHECK(test.pool.in_use() == 0);
  const auto& copied = test.memory.statistics().copied;
  CHECK(copied[static_cast<size_t>(CopyWay::kFromProgram)].bytes == 10);
  CHECK(copied[static_cast<size_t>(CopyWay::kToDevice)].bytes == 5);  // while it was in the ring
}

TEST_CASE("zerocopy: 16 KiB are one descriptor, 64 KiB a few, and nothing is copied twice") {
  TestQueueMemory test(64);
  zerocopy::SendQueue queue(test.memory);
  REQUIRE(append(queue, std::string(16384, 'x')) == 16384);
  PacketBuffer* frame = queue.make_frame(66, 0, 16384);
  CHECK(frame->next == nullptr);
  release_chain(frame);
  queue.acknowledge(16384);
  const std::string large = stream_bytes(0, 65000);
  REQUIRE(append(queue, large) == 65000);
  frame = queue.make_frame(66, 0, 65000);
  size_t pieces = 0;
  for (const PacketBuffer* piece = frame; piece != nullptr; piece = piece->next) ++pieces;
  CHECK(pieces <= 4);
  CHECK(text_of_chain(frame).substr(66) == large);
  release_chain(frame);
  CHECK(test.memory.statistics().copied[static_cast<size_t>(CopyWay::kToDevice)].bytes == 0);
}

TEST_CASE("zerocopy: small writes do not tie up the pool, nor a multiple of their size") {
  TestQueueMemory test(256);
  zerocopy::SendQueue queue(test.memory);
  for (uint32_t i = 0; i < 10000; ++i) {
    REQUIRE(append(queue, stream_bytes(i * 10, 10)) == 10);
    release_chain(queue.make_frame(66, i * 10, 10));
  }
  CHECK(test.pool.in_use() <= 192);
  CHECK(queue.memory() <= 5 * queue.size());
  PacketBuffer* const frame = queue.make_frame(66, 0, 60000);
  CHECK(text_of_chain(frame).substr(66) == stream_bytes(0, 60000));
  release_chain(frame);
}

TEST_CASE("copy: every sending is a copy, whole frames of 64 KiB in a few pieces") {
  TestQueueMemory test(64);
  copy::SendQueue queue(test.memory);
  const std::string large = stream_bytes(0, 65000);
  REQUIRE(append(queue, large) == 65000);
  for (int i = 1; i <= 3; ++i) {
    PacketBuffer* const frame = queue.make_frame(66, 0, 65000);
    size_t pieces = 0;
    for (const PacketBuffer* piece = frame; piece != nullptr; piece = piece->next) ++pieces;
    CHECK(pieces <= 4);
    CHECK(text_of_chain(frame).substr(66) == large);
    release_chain(frame);
    CHECK(test.memory.statistics().copied[static_cast<size_t>(CopyWay::kToDevice)].bytes ==
          65000u * static_cast<unsigned>(i));
  }
}

TEST_CASE("control segments have a reserve that data does not take") {
  TestQueueMemory test(64);
  zerocopy::SendQueue queue(test.memory);
  REQUIRE(append(queue, std::string(3000, 'x')) == 3000);
  std::vector<PacketBuffer*> frames;
  while (PacketBuffer* const frame = queue.make_frame(66, 10, 1400)) frames.push_back(frame);
  CHECK(test.pool.available() == QueueMemory::kForControl);
  for (size_t i = 0; i < QueueMemory::kForControl; ++i) {
    frames.push_back(test.memory.allocate_control(54));
    REQUIRE(frames.back() != nullptr);
    CHECK(frames.back()->length == 54);
  }
  CHECK(test.memory.allocate_control(54) == nullptr);
  for (PacketBuffer* const frame : frames) release_chain(frame);
}

}  // namespace plumbline::net
