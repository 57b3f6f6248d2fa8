// Both variants of the receive queue against a model that knows of each byte whether it came.
#include "net/copy/receive_queue.hh"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "net/copy/send_queue.hh"
#include "net/queue_test_memory.hh"
#include "net/zerocopy/receive_queue.hh"
#include "net/zerocopy/send_queue.hh"

namespace plumbline::net {
namespace {

uint64_t copied(const QueueMemory& memory, CopyWay way) {
  return memory.statistics().copied[static_cast<size_t>(way)].bytes;
}

// A received frame: `offset` bytes of headers, then the stream's [begin, begin + length), then
// padding, in buffers of at most `piece` bytes, as a device with mergeable buffers delivers it.
// nullptr: the pool is empty.
PacketBuffer* frame_of(BufferPool& pool, uint32_t offset, uint32_t begin, uint32_t length,
                       uint32_t padding = 0, size_t piece = BufferPool::kCapacity) {
  std::string bytes(offset, 'h');
  bytes += stream_bytes(begin, length) + std::string(padding, 'p');
  PacketBuffer* first = nullptr;
  PacketBuffer* last = nullptr;
  for (size_t at = 0; at == 0 || at < bytes.size(); at += piece) {
    PacketBuffer* const buffer = pool.allocate();
    if (buffer == nullptr) {
      pool.release_chain(first);
      return nullptr;
    }
    const std::string part = bytes.substr(at, piece);
    // The rest of a mergeable frame begins where the buffer does.
    if (first != nullptr) buffer->data = buffer->memory;
    std::memcpy(buffer->data, part.data(), part.size());
    buffer->length = static_cast<uint32_t>(part.size());
    if (first == nullptr)
      first = buffer;
    else
      last->next = buffer;
    last = buffer;
  }
  return first;
}

template <class ReceiveQueue>
std::string read(ReceiveQueue& queue, uint32_t length, bool peek = false, uint32_t skip = 0,
                 size_t at_most = ~size_t{0}) {
  std::string text;
  const uint32_t count = queue.read(
      length,
      [&](std::span<const std::byte> from) {
        const size_t taken = std::min(from.size(), at_most - text.size());
        text += text_of(from.first(taken));
        return taken;
      },
      peek, skip);
  CHECK(count == text.size());
  return text;
}

// As far beyond the byte expected next as anything is sent.
constexpr uint32_t kWindow = 120000;
constexpr uint32_t kBeyond = kWindow + 70000;

// Ranges of `came` beyond `next`, in order.
std::vector<OffsetRange> ranges_of(const std::vector<bool>& came, uint32_t next) {
  std::vector<OffsetRange> ranges;
  for (uint32_t i = next; i < next + kBeyond; ++i) {
    if (!came[i]) continue;
    if (!ranges.empty() && ranges.back().end == i - next)
      ++ranges.back().end;
    else
      ranges.push_back({i - next, i - next + 1});
  }
  return ranges;
}

template <class ReceiveQueue>
void compare_with_model(unsigned seed, size_t buffers, bool scarce) {
  constexpr uint32_t kStream = 1500000;
  TestQueueMemory test(buffers, scarce ? 50000 : 16 << 20);
  std::mt19937 random(seed);
  const auto below = [&](uint32_t most) { return static_cast<uint32_t>(random() % most); };
  {
    ReceiveQueue queue(test.memory);
    std::vector<bool> came(kStream + 2 * kBeyond);
    std::vector<PacketBuffer*> lent;
    uint32_t next = 0;      // RCV.NXT
    uint32_t consumed = 0;  // bytes read
    uint64_t refused = 0;
    for (int step = 0; consumed < kStream && step < 100000; ++step) {
      const uint32_t action = below(16);
      if (action < 10 && next - consumed < kWindow) {
        const uint32_t lengths[] = {1 + below(20), 1 + below(1460), 1460, 1 + below(60000)};
        const uint32_t length = lengths[below(8) == 0 ? 3 : below(3)];
        const uint32_t offset = 54 + below(60);
        const size_t piece = below(2) == 0 ? BufferPool::kCapacity : 150 + below(500);
        const bool in_order = below(3) != 0;
        const uint32_t gap = in_order ? 0 : below(4) == 0 ? 1 + below(kWindow) : 1 + below(5000);
        PacketBuffer* const frame =
            frame_of(test.pool, offset, next + gap, length, below(2) * 7, piece);
        if (frame == nullptr) {
          REQUIRE(queue.memory() > 0);  // somebody holds them
          read(queue, 100);
          FAIL("the queue has all buffers of the device");
        }
        if (in_order) {
          const uint32_t added = queue.append(frame, offset, length);
          if (added >= length) {
            for (uint32_t i = 0; i < length; ++i) came[next + i] = true;
            uint32_t expected = length;
            while (came[next + expected]) ++expected;
            if (!scarce || added != length) REQUIRE(added == expected);
          } else {
            ++refused;
            for (uint32_t i = 0; i < added; ++i) came[next + i] = true;
          }
          next += added;
          // For want of memory it may have dropped what was out of order.
          if (scarce && !queue.has_out_of_order())
            std::fill(came.begin() + next, came.begin() + next + kBeyond, false);
        } else {
          OffsetRange duplicate{99, 99};
          OffsetRange expected{};
          uint32_t i = 0;
          while (i < length && !came[next + gap + i]) ++i;
          if (i < length) {
            expected = {gap + i, gap + i};
            while (i < length && came[next + gap + i]) ++i, ++expected.end;
          }
          if (queue.insert(gap, frame, offset, length, &duplicate)) {
            REQUIRE(duplicate == expected);
            for (i = 0; i < length; ++i) came[next + gap + i] = true;
            // The first block holds what came last.
            OffsetRange first[1];
            REQUIRE(queue.out_of_order(first) == 1);
            REQUIRE(first[0].begin <= gap);
            REQUIRE(first[0].end >= gap + length);
          } else {
            ++refused;
          }
        }
      } else if (action < 14) {
        const uint32_t most = below(3) == 0 ? 100000 : 1 + below(3000);
        const size_t at_most = below(10) == 0 ? below(most + 1) : ~size_t{0};
        const bool peek = below(4) == 0;
        const uint32_t skip = peek ? below(2000) : 0;
        const std::string text = read(queue, most, peek, skip, at_most);
        const uint32_t readable = next - consumed;
        REQUIRE(text.size() ==
                std::min<size_t>({most, at_most, skip > readable ? 0 : readable - skip}));
        REQUIRE(text == stream_bytes(consumed + skip, static_cast<uint32_t>(text.size())));
        if (!peek) consumed += static_cast<uint32_t>(text.size());
      } else if (action == 14 && lent.size() < 3) {
        if (PacketBuffer* const piece = queue.lend(); piece != nullptr) {
          REQUIRE(text_of(piece->bytes()) == stream_bytes(consumed, piece->length));
          consumed += piece->length;
          lent.push_back(piece);
        }
      } else if (below(4) == 0) {
        const uint32_t most = below(5000);
        const uint32_t dropped = queue.discard(most);
        REQUIRE(dropped == std::min(most, next - consumed));
        consumed += dropped;
      } else {
        for (PacketBuffer* const piece : lent) release(piece);
        lent.clear();
      }
      REQUIRE(queue.readable() == next - consumed);
      if (step % 64 == 0) {
        const std::vector<OffsetRange> expected = ranges_of(came, next);
        REQUIRE(queue.has_out_of_order() == !expected.empty());
        OffsetRange recent[4];
        const unsigned count = queue.out_of_order(recent);
        REQUIRE(count == std::min<size_t>(expected.size(), 4));
        for (unsigned i = 0; i < count; ++i)
          CHECK(std::find(expected.begin(), expected.end(), recent[i]) != expected.end());
      }
      REQUIRE((queue.memory() == 0) == (queue.readable() == 0 && !queue.has_out_of_order()));
    }
    CHECK(consumed >= kStream);
    CHECK((refused != 0) == scarce);
    for (PacketBuffer* const piece : lent) release(piece);
  }
  CHECK(test.pool.in_use() == 0);
  CHECK(test.memory.bytes_in_use() == 0);
}

}  // namespace

TEST_CASE_TEMPLATE("a receive queue gives each byte once and in order", ReceiveQueue,
                   copy::ReceiveQueue, zerocopy::ReceiveQueue) {
  for (unsigned seed = 0; seed < 6; ++seed) {
    CAPTURE(seed);
    compare_with_model<ReceiveQueue>(seed, seed % 2 == 0 ? 700 : 4000, seed % 3 == 0);
  }
}

TEST_CASE_TEMPLATE("SACK blocks: the latest first; duplicates are told", ReceiveQueue,
                   copy::ReceiveQueue, zerocopy::ReceiveQueue) {
  TestQueueMemory test(64);
  ReceiveQueue queue(test.memory);
  CHECK(sizeof(queue) <= 40);
  const auto insert = [&](uint32_t gap, uint32_t length) {
    OffsetRange duplicate;
    REQUIRE(queue.insert(gap, frame_of(test.pool, 54, gap, length), 54, length, &duplicate));
    return duplicate;
  };
  const auto blocks = [&] {
    OffsetRange to[4];
    const unsigned count = queue.out_of_order(to);
    return std::vector<OffsetRange>(to, to + count);
  };
  using Ranges = std::vector<OffsetRange>;
  CHECK(blocks().empty());
  CHECK(insert(500, 500) == OffsetRange{});
  CHECK(insert(1500, 500) == OffsetRange{});
  CHECK(blocks() == Ranges{{1500, 2000}, {500, 1000}});
  // RFC 2883, section 4: what was there already, the first part of it.
  CHECK(insert(500, 500) == OffsetRange{500, 1000});
  CHECK(blocks() == Ranges{{500, 1000}, {1500, 2000}});
  CHECK(insert(2500, 100) == OffsetRange{});
  CHECK(insert(900, 700) == OffsetRange{900, 1000});
  CHECK(blocks() == Ranges{{500, 2000}, {2500, 2600}});
  CHECK(insert(400, 3000) == OffsetRange{500, 2000});
  CHECK(blocks() == Ranges{{400, 3400}});
  for (uint32_t i = 0; i < 6; ++i) insert(4000 + 100 * i, 10);
  CHECK(blocks() == Ranges{{4500, 4510}, {4400, 4410}, {4300, 4310}, {4200, 4210}});
  // In order, and over the first range's begin.
  CHECK(queue.append(frame_of(test.pool, 54, 0, 600), 54, 600) == 3400);
  CHECK(blocks() == Ranges{{1100, 1110}, {1000, 1010}, {900, 910}, {800, 810}});
  CHECK(read(queue, 10000) == stream_bytes(0, 3400));
  CHECK(queue.append(frame_of(test.pool, 54, 3400, 2000), 54, 2000) == 2000);
  CHECK_FALSE(queue.has_out_of_order());
  CHECK(read(queue, 10000) == stream_bytes(3400, 2000));
  CHECK(queue.memory() == 0);
}

TEST_CASE_TEMPLATE("the number of ranges is bounded, and they still close", ReceiveQueue,
                   copy::ReceiveQueue, zerocopy::ReceiveQueue) {
  TestQueueMemory test(4000);
  ReceiveQueue queue(test.memory);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < 300; ++i)
    kept += queue.insert(10 + 20 * i, frame_of(test.pool, 54, 10 + 20 * i, 10), 54, 10);
  CHECK(kept == tcp::Reassembly::kMostRanges);
  // What makes one longer, or joins two, needs no place.
  CHECK(queue.insert(20, frame_of(test.pool, 54, 20, 10), 54, 10));
  CHECK(queue.insert(10 + 20 * 400, frame_of(test.pool, 54, 10 + 20 * 400, 10), 54, 10));
  CHECK_FALSE(queue.insert(10 + 20 * 401, frame_of(test.pool, 54, 10, 10), 54, 10));
  CHECK(queue.append(frame_of(test.pool, 54, 0, 9000, 0), 54, 9000) == 9000);
  CHECK(read(queue, 9000) == stream_bytes(0, 9000));
  CHECK(queue.memory() == 0);
}

TEST_CASE("zerocopy: nothing is copied before the reader does, and its copy is the only one") {
  TestQueueMemory test(256);
  zerocopy::ReceiveQueue queue(test.memory);
  CHECK(queue.append(frame_of(test.pool, 66, 0, 60000, 3), 66, 60000) == 60000);
  CHECK(read(queue, 60000) == stream_bytes(0, 60000));
  CHECK(copied(test.memory, CopyWay::kFromDevice) == 0);
  CHECK(copied(test.memory, CopyWay::kToProgram) == 60000);
  CHECK(test.pool.in_use() == 0);
}

TEST_CASE("copy: frames go back at once") {
  TestQueueMemory test(256);
  copy::ReceiveQueue queue(test.memory);
  CHECK(queue.append(frame_of(test.pool, 66, 0, 60000, 3), 66, 60000) == 60000);
  CHECK(test.pool.in_use() == 0);
  CHECK(queue.memory() < 70000);
  CHECK(read(queue, 60000) == stream_bytes(0, 60000));
  CHECK(copied(test.memory, CopyWay::kFromDevice) == 60000);
  CHECK(copied(test.memory, CopyWay::kToProgram) == 60000);
}

TEST_CASE("zerocopy: readers that do not read can not keep the device's buffers") {
  TestQueueMemory test(512);
  std::vector<std::unique_ptr<zerocopy::ReceiveQueue>> slow;
  for (int i = 0; i < 40; ++i)
    slow.push_back(std::make_unique<zerocopy::ReceiveQueue>(test.memory));
  std::vector<uint32_t> received(slow.size());
  for (uint32_t round = 0; round < 40; ++round) {
    for (size_t i = 0; i < slow.size(); ++i) {
      PacketBuffer* const frame = frame_of(test.pool, 54, received[i], 1460);
      REQUIRE(frame != nullptr);
      REQUIRE(slow[i]->append(frame, 54, 1460) == 1460);
      received[i] += 1460;
      REQUIRE(test.pool.available() >= 512 / 8);
    }
  }
  CHECK(test.memory.statistics().buffers_rescued > 0);
  // Those who read have device buffers again all the same, mostly.
  zerocopy::ReceiveQueue quick(test.memory);
  const uint64_t before = copied(test.memory, CopyWay::kFromDevice);
  for (uint32_t i = 0; i < 1000; ++i) {
    REQUIRE(quick.append(frame_of(test.pool, 54, i * 1000, 1000), 54, 1000) == 1000);
    REQUIRE(read(quick, 1000) == stream_bytes(i * 1000, 1000));
  }
  CHECK(copied(test.memory, CopyWay::kFromDevice) - before <= 10000);
  for (size_t i = 0; i < slow.size(); ++i)
    CHECK(read(*slow[i], 1000000) == stream_bytes(0, received[i]));
}

TEST_CASE("zerocopy: tiny segments are put together before they tie up much") {
  TestQueueMemory test(4000);
  zerocopy::ReceiveQueue queue(test.memory);
  for (uint32_t i = 0; i < 20000; ++i)
    REQUIRE(queue.append(frame_of(test.pool, 54, i, 1), 54, 1) == 1);
  CHECK(queue.memory() < 70000);
  CHECK(read(queue, 20000) == stream_bytes(0, 20000));
}

TEST_CASE("on one host the sender's own buffers are read and not changed") {
  TestQueueMemory test(64);
  zerocopy::SendQueue from(test.memory);
  zerocopy::ReceiveQueue to(test.memory);
  const std::string text = stream_bytes(0, 40000);
  size_t done = 0;
  REQUIRE(from.append(40000, [&](std::span<std::byte> room) {
    std::memcpy(room.data(), text.data() + done, room.size());
    done += room.size();
    return room.size();
  }) == 40000);
  CHECK(to.append(from.make_frame(66, 0, 20000), 66, 20000) == 20000);
  CHECK(to.insert(5000, from.make_frame(66, 25000, 15000), 66, 15000));
  // Repeated while the first is still being read.
  PacketBuffer* const again = from.make_frame(66, 0, 1460);
  CHECK(text_of_chain(again).substr(66) == text.substr(0, 1460));
  release_chain(again);
  CHECK(to.append(from.make_frame(66, 20000, 5000), 66, 5000) == 20000);
  from.acknowledge(30000);
  CHECK(read(to, 15000) == text.substr(0, 15000));
  from.acknowledge(10000);
  CHECK(read(to, 40000) == text.substr(15000));
  CHECK(to.memory() == 0);
}

}  // namespace plumbline::net
