#include "net/frame_channel.hh"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "net/queue_test_memory.hh"

namespace plumbline::net {
namespace {

PacketBuffer* frame_of(BufferPool& pool, uint32_t number, unsigned buffers = 1) {
  PacketBuffer* first = nullptr;
  for (unsigned i = 0; i < buffers; ++i) {
    PacketBuffer* const buffer = pool.allocate();
    REQUIRE(buffer != nullptr);
    // As the device fills them: those behind the first from their start.
    if (i + 1 != buffers) buffer->data = buffer->memory;
    buffer->length = sizeof number;
    std::memcpy(buffer->data, &number, sizeof number);
    buffer->next = first;
    first = buffer;
  }
  return first;
}
uint32_t number_of(const PacketBuffer* frame) {
  uint32_t number;
  std::memcpy(&number, frame->data, sizeof number);
  return number;
}

TEST_CASE("frames come in order, and their buffers go home") {
  TestQueueMemory sender(512), receiver(64);
  FrameChannel channel(sender.pool);
  std::array<PacketBuffer*, 8> taken;
  CHECK(channel.empty());
  uint32_t said = 0, heard = 0;
  for (int turn = 0; turn < 500; ++turn) {
    for (int i = 0; i < 5; ++i) channel.send(frame_of(sender.pool, said++, 1 + turn % 3));
    CHECK(!channel.empty());
    const size_t count = channel.receive(taken, receiver.pool);
    REQUIRE(count == 5);
    for (size_t i = 0; i < count; ++i) {
      CHECK(number_of(taken[i]) == heard++);
      release_chain(taken[i]);
    }
  }
  channel.take_back();
  CHECK(sender.pool.in_use() == 0);
  CHECK(channel.statistics().dropped == 0);
  CHECK(channel.copied() == 0);
}

TEST_CASE("a full channel drops, and a reader who keeps frames gets copies") {
  TestQueueMemory sender(1024), receiver(512);
  {
    FrameChannel channel(sender.pool);
    for (uint32_t i = 0; i < 300; ++i) channel.send(frame_of(sender.pool, i));
    CHECK(channel.statistics().dropped == 300 - FrameChannel::kEntries);
    std::vector<PacketBuffer*> taken(FrameChannel::kEntries);
    REQUIRE(channel.receive(taken, receiver.pool) == FrameChannel::kEntries);
    CHECK(channel.copied() == FrameChannel::kEntries / 2);
    CHECK(receiver.pool.in_use() == FrameChannel::kEntries / 2);
    for (uint32_t i = 0; i < taken.size(); ++i) CHECK(number_of(taken[i]) == i);
    // Half of it is there for others.
    for (uint32_t i = 0; i < 300; ++i) channel.send(frame_of(sender.pool, i));
    std::vector<PacketBuffer*> more(FrameChannel::kEntries);
    const size_t count = channel.receive(more, receiver.pool);
    CHECK(count == FrameChannel::kEntries / 2);
    for (size_t i = 0; i < count; ++i) release_chain(more[i]);
    for (PacketBuffer* const frame : taken) release_chain(frame);
  }
  CHECK(sender.pool.in_use() == 0);
  CHECK(receiver.pool.in_use() == 0);
}

TEST_CASE("a frame with a buffer that somebody else has is not sent") {
  TestQueueMemory sender, receiver;
  FrameChannel channel(sender.pool);
  PacketBuffer* const frame = frame_of(sender.pool, 1);
  REQUIRE(frame->share());
  channel.send(frame);
  CHECK(channel.empty());
  release(frame);
  CHECK(sender.pool.in_use() == 0);
}

TEST_CASE("two threads") {
  constexpr uint32_t kFrames = 50'000;
  TestQueueMemory sender(1024), receiver(512);
  {
    FrameChannel channel(sender.pool);
    std::atomic<bool> over{false};
    uint32_t heard = 0;
    std::thread reader([&] {
      std::array<PacketBuffer*, 16> taken;
      std::vector<PacketBuffer*> kept;
      uint32_t last = 0;
      for (;;) {
        const bool last_look = over.load();
        const size_t count = channel.receive(taken, receiver.pool);
        if (count == 0 && last_look) break;
        for (size_t i = 0; i < count; ++i) {
          const uint32_t number = number_of(taken[i]);
          CHECK(number > last);
          last = number;
          ++heard;
          kept.push_back(taken[i]);
        }
        while (kept.size() > heard % 200) {
          release_chain(kept.back());
          kept.pop_back();
        }
      }
      for (PacketBuffer* const frame : kept) release_chain(frame);
    });
    for (uint32_t i = 1; i <= kFrames; ++i) channel.send(frame_of(sender.pool, i, 1 + i % 2));
    over.store(true);
    reader.join();
    CHECK(heard + channel.statistics().dropped == kFrames);
    CHECK(heard > 0);
  }
  CHECK(sender.pool.in_use() == 0);
  CHECK(receiver.pool.in_use() == 0);
}

}  // namespace
}  // namespace plumbline::net
