// For hosted tests: a Stack, hosts of the network that say what the test wants them to, and what
// the Stack answered.
#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "net/queue_memory.hh"
#include "net/tcp/stack.hh"
#include "net/tcp/test_memory.hh"
#include "net/test_network.hh"

namespace plumbline::net::tcp {

class StackBench {
 public:
  static constexpr uint16_t kHeaderRoom = 34;

  struct Sent {
    FlowKey key;      // from the Stack's side
    Segment segment;  // without its frame
    std::vector<std::byte> payload;
    SegmentToSend how;
  };

  // What a test's host says in one segment.
  struct Said {
    uint8_t flags = 0;
    uint32_t sequence = 0;
    uint32_t acknowledgement = 0;
    uint16_t window = 65535;
    uint16_t mss = 0;
    int window_scale = -1;
    bool sack_permitted = false;
    std::optional<std::pair<uint32_t, uint32_t>> timestamps = {};
    uint32_t payload = 0;  // bytes of it
  };

  static StackConfiguration standard() {
    StackConfiguration configuration;
    configuration.secret = {{0x1234'5678, 0x9abc'def0}};
    configuration.header_room = kHeaderRoom;
    return configuration;
  }

  explicit StackBench(StackConfiguration configuration = standard(), size_t buffers = 512)
      : buffer_memory_(BufferPool::bytes_needed(buffers)),
        queues_(
            (pool.init(buffer_memory_.span().first(BufferPool::bytes_needed(buffers)), 0), pool),
            queue_memory.source(), 64 << 20) {
    configuration.memory = memory.source();
    configuration.queues = &queues_;
    configuration.below = this;
    configuration.send = [](void* self, PacketBuffer* frame, const FlowKey& key,
                            const SegmentToSend& how) {
      return static_cast<StackBench*>(self)->take(frame, key, how);
    };
    stack = std::make_unique<Stack>(configuration, now);
  }
  // After everything has ended nothing may be missing.
  ~StackBench() {
    sent.clear();
    stack->end(now);
    CHECK(stack->connections() == 0);
    stack.reset();
    CHECK(memory.bytes() == 0);
    CHECK(pool.in_use() == 0);
  }
  StackBench(const StackBench&) = delete;
  StackBench& operator=(const StackBench&) = delete;

  static FlowKey key(uint16_t remote_port = 4000, uint32_t host = 1, uint16_t local_port = 80) {
    FlowKey made;
    made.local = IpAddress::of(Ipv4Address::of(10, 9, 0, 2));
    made.remote = IpAddress::of(Ipv4Address{0x0a0a'0000 + host});
    made.local_port = local_port;
    made.remote_port = remote_port;
    return made;
  }
  static FlowKey key_v6(uint16_t remote_port = 4000) {
    FlowKey made = key(remote_port);
    made.local = IpAddress::of_v6(0x2001'0db8'0000'0000, 2);
    made.remote = IpAddress::of_v6(0x2001'0db8'0000'0000, 1);
    return made;
  }

  // The remote end of `key` says that; then the burst ends.
  void hear(const FlowKey& from, const Said& said) {
    PacketBuffer* const frame = frame_of(from, said);
    REQUIRE(frame != nullptr);
    FlowKey addresses = from;
    addresses.local_port = addresses.remote_port = 0;
    stack->receive(frame, kHeaderRoom, frame->length - kHeaderRoom, addresses, false, now);
    stack->flush(now);
  }
  PacketBuffer* frame_of(const FlowKey& from, const Said& said) {
    PacketBuffer* const frame = pool.allocate();
    if (frame == nullptr) return nullptr;
    std::byte* const start = frame->data + kHeaderRoom;
    std::byte* at = start + TcpHeader::kSize;
    const auto put = [&](std::initializer_list<unsigned> bytes) {
      for (const unsigned byte : bytes) *at++ = static_cast<std::byte>(byte);
    };
    if (said.mss != 0) put({2, 4, said.mss / 256U, said.mss % 256U});
    if (said.window_scale >= 0) put({1, 3, 3, static_cast<unsigned>(said.window_scale)});
    if (said.sack_permitted) put({1, 1, 4, 2});
    if (said.timestamps) {
      put({1, 1, 8, 10});
      store_be32(at, said.timestamps->first);
      store_be32(at + 4, said.timestamps->second);
      at += 8;
    }
    TcpHeader header;
    header.source_port = from.remote_port;
    header.destination_port = from.local_port;
    header.sequence = said.sequence;
    header.acknowledgement = said.acknowledgement;
    header.flags = said.flags;
    header.window = said.window;
    header.header_length = static_cast<uint8_t>(at - start);
    header.emit(start);
    for (uint32_t i = 0; i < said.payload; ++i) at[i] = static_cast<std::byte>(said.sequence + i);
    const size_t length = header.header_length + said.payload;
    frame->length = static_cast<uint32_t>(kHeaderRoom + length);
    store_native16(start + TcpHeader::kChecksumOffset,
                   tcp_checksum({start, length}, from.remote, from.local));
    return frame;
  }

  // What was sent next; fails when nothing was.
  Sent next() {
    REQUIRE(!sent.empty());
    Sent first = std::move(sent.front());
    sent.pop_front();
    return first;
  }
  // A handshake up to the end, as a peer that knows no options: the Stack's first number.
  uint32_t shake_hands(const FlowKey& from, uint32_t sequence = 1000) {
    hear(from, {.flags = tcp_flags::kSyn, .sequence = sequence});
    const Sent answer = next();
    CHECK(answer.segment.flags == (tcp_flags::kSyn | tcp_flags::kAck));
    hear(from, {.flags = tcp_flags::kAck,
                .sequence = sequence + 1,
                .acknowledgement = answer.segment.sequence.value + 1});
    return answer.segment.sequence.value + 1;
  }
  // Time passes, with all timers that run out on the way.
  void advance(Nanoseconds time) {
    const Nanoseconds until = now + time;
    while (true) {
      const auto next_timer = stack->next_timer();
      if (!next_timer || *next_timer > until) break;
      now = std::max(now, *next_timer);
      while (stack->run_timers(now)) {
      }
    }
    now = until;
    while (stack->run_timers(now)) {
    }
  }

  Nanoseconds now = seconds(1'000'000);
  TestMemory memory;
  TestMemory queue_memory;
  BufferPool pool;
  std::deque<Sent> sent;
  bool keep = true;  // what was sent

 private:
  bool take(PacketBuffer* frame, const FlowKey& to, const SegmentToSend& how) {
    Sent made;
    made.key = to;
    made.how = how;
    const auto length = static_cast<uint32_t>(how.header + how.payload);
    FlowKey ports;
    REQUIRE(parse_segment(*frame, 0, length, made.segment, ports));
    // As the receiver sees them.
    CHECK(ports.local_port == to.remote_port);
    CHECK(ports.remote_port == to.local_port);
    CHECK(made.segment.length == how.payload);
    CHECK(load_native16(frame->data + TcpHeader::kChecksumOffset) == 0);
    CHECK(static_cast<size_t>(frame->data - frame->start()) >=
          kHeaderRoom + PacketBuffer::kHeadroom);
    uint32_t skip = how.header;
    for (const PacketBuffer* part = frame; part != nullptr; part = part->next) {
      made.payload.insert(made.payload.end(), part->data + skip, part->data + part->length);
      skip = 0;
    }
    made.segment.frame = nullptr;
    release_chain(frame);
    if (keep) sent.push_back(std::move(made));
    return true;
  }

  AlignedMemory buffer_memory_;
  QueueMemory queues_;

 public:
  std::unique_ptr<Stack> stack;
};

// A listener on one Stack or several.
struct BenchListener {
  explicit BenchListener(Listener::Configuration configuration = port_80(), uint32_t backlog = 10,
                         size_t stacks = 1)
      : queues(stacks),
        listener((configuration.ready = ready, configuration.owner = this, configuration), queues,
                 backlog) {}
  static Listener::Configuration port_80() {
    Listener::Configuration configuration;
    configuration.port = 80;
    return configuration;
  }
  static void ready(void* self, Listener&, unsigned stack) {
    auto& bench = *static_cast<BenchListener*>(self);
    ++bench.woken;
    bench.woken_stack = stack;
  }

  std::vector<ListenerQueue> queues;
  unsigned woken = 0;
  unsigned woken_stack = ~0U;
  Listener listener;
};

}  // namespace plumbline::net::tcp
