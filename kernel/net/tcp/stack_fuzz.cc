// Fuzzes what peers, ICMP and programs can make a Stack and its connections do.
//
// The input is a series of steps, a byte each with what it needs behind it: segments whose numbers
// lie near those that the Stack expects (without which the fuzzer would hardly get past the
// handshake), raw bytes as segments, time that passes, calls of a program, ICMP errors, memory that
// runs out. What the Stack sends is read, and bounces back where a step says so. After each input
// everything is closed: no buffer, no connection and no memory may be missing.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "net/queue_memory.hh"
#include "net/tcp/stack.hh"
#include "net/tcp/test_memory.hh"
#include "net/test_network.hh"

namespace plumbline::net::tcp {
namespace {

void require(bool condition, int line = __builtin_LINE()) {
  if (condition) return;
  std::fprintf(stderr, "stack_fuzz.cc:%d: what is required does not hold\n", line);
  std::abort();
}

// The fuzzer's bytes; zeros when there are none left.
class Input {
 public:
  explicit Input(std::span<const std::byte> bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  uint8_t byte() {
    if (bytes_.empty()) return 0;
    const auto value = static_cast<uint8_t>(bytes_[0]);
    bytes_ = bytes_.subspan(1);
    return value;
  }
  uint16_t two() {
    const unsigned low = byte();
    return static_cast<uint16_t>(low | byte() * 256U);
  }
  uint32_t four() {
    const uint32_t low = two();
    return low | uint32_t{two()} << 16;
  }
  std::span<const std::byte> take(size_t count) {
    const auto taken = bytes_.first(std::min(count, bytes_.size()));
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const std::byte> bytes_;
};

class Fuzzed {
 public:
  Fuzzed() : area_(BufferPool::bytes_needed(kBuffers)) {
    pool_.init(area_.span().first(BufferPool::bytes_needed(kBuffers)), 0);
  }

  void run(Input& input) {
    start(input);
    while (!input.empty()) step(input);
    finish();
  }

 private:
  static constexpr size_t kBuffers = 128;
  static constexpr uint16_t kHeaderRoom = 54;
  static constexpr size_t kPeers = 4;

  // What is known of one pair of ends, from what the Stack sent.
  struct Peer {
    FlowKey key;
    uint32_t next = 1000;    // what the Stack expects of it
    uint32_t theirs = 0;     // what it may acknowledge
    uint32_t timestamp = 1;  // of its own clock
    uint32_t echo = 0;
  };
  // A program's connection, or none.
  struct Socket : Owner {
    Connection* connection = nullptr;
  };

  void start(Input& input) {
    now_ = seconds(1000);
    queues_ = std::make_unique<QueueMemory>(pool_, queue_memory_.source(), 8 << 20);
    const uint8_t choice = input.byte();
    StackConfiguration configuration;
    configuration.secret = {{7, 8}};
    configuration.header_room = kHeaderRoom;
    configuration.memory = memory_.source();
    configuration.queues = queues_.get();
    configuration.below = this;
    configuration.send = [](void* self, PacketBuffer* frame, const FlowKey& key,
                            const SegmentToSend& how) {
      return static_cast<Fuzzed*>(self)->take(frame, key, how);
    };
    configuration.syn_cookies = static_cast<SynCookies>(choice % 3);
    configuration.maximum_half_open = 4;
    configuration.maximum_time_wait = 2;
    configuration.maximum_connections = 8;
    configuration.ports = {40'000, 40'003, 0, 1};
    configuration.settings.timestamps = (choice & 4) == 0;
    configuration.settings.selective = (choice & 8) == 0;
    configuration.settings.window_scaling = (choice & 16) == 0;
    configuration.settings.ecn = (choice & 32) == 0 ? EcnMode::kAsk : EcnMode::kAccept;
    if ((choice & 64) != 0) configuration.maximum_payload = {65000, 65000};
    configuration.coalesce = (choice & 128) != 0;
    stack_ = std::make_unique<Stack>(configuration, now_);
    Listener::Configuration wanted;
    wanted.port = 80;
    listener_ = std::make_unique<Listener>(wanted, std::span(&queue_, 1), 2);
    require(static_cast<bool>(stack_->listen(*listener_)));
    for (size_t i = 0; i < kPeers; ++i) {
      Peer peer;
      const bool six = i == 3;
      peer.key.local = six ? IpAddress::of_v6(0x2001'0db8'0000'0000, 2)
                           : IpAddress::of(Ipv4Address::of(10, 9, 0, 2));
      peer.key.remote = six ? IpAddress::of_v6(0x2001'0db8'0000'0000, 1)
                            : IpAddress::of(Ipv4Address::of(10, 9, 0, 1));
      peer.key.local_port = 80;
      peer.key.remote_port = static_cast<uint16_t>(1000 + i);
      peers_[i] = peer;
    }
  }

  void step(Input& input) {
    const uint8_t what = input.byte();
    Peer& peer = peers_[what >> 4 & 3];
    switch (what & 15) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        near_segment(input, peer);
        break;
      case 5:
        raw_segment(input, peer);
        break;
      case 6:
        pass(microseconds(uint64_t{1} << (input.byte() % 28)));
        break;
      case 7:
      case 8:
        program(input);
        break;
      case 9:
        open(peer);
        break;
      case 10:
        icmp(input, peer);
        break;
      case 11:
        memory_.set_limit((what & 64) != 0 ? memory_.bytes() : SIZE_MAX);
        queue_memory_.set_limit((what & 128) != 0 ? queue_memory_.bytes() : SIZE_MAX);
        break;
      case 12:
        listener_->set_backlog(what >> 6);
        break;
      case 13:
        stack_->unlisten(*listener_, now_);
        static_cast<void>(stack_->listen(*listener_));
        break;
      case 14:
        in_burst_ = !in_burst_;
        break;
      default:
        // A well-behaved peer: acknowledges all, in order.
        send_from(peer, tcp_flags::kAck, peer.next, peer.theirs, {}, 65535, 0, false);
    }
    if (!in_burst_) stack_->flush(now_);
  }

  void near_segment(Input& input, Peer& peer) {
    const uint8_t shape = input.byte();
    const auto flags = static_cast<uint8_t>((shape & 1) != 0 ? input.byte() : tcp_flags::kAck);
    uint32_t sequence = peer.next;
    uint32_t acknowledgement = peer.theirs;
    if ((shape & 2) != 0) sequence += static_cast<uint32_t>(static_cast<int16_t>(input.two()));
    if ((shape & 4) != 0)
      acknowledgement += static_cast<uint32_t>(static_cast<int16_t>(input.two()));
    const uint32_t payload = (shape & 8) != 0 ? input.two() % 1500 : 0;
    const uint16_t window = (shape & 16) != 0 ? input.two() : 65535;
    std::span<const std::byte> options;
    if ((shape & 32) != 0) options = input.take(input.byte() % 41);
    send_from(peer, flags, sequence, acknowledgement, options, window, payload, (shape & 64) != 0,
              (shape & 128) != 0);
    if (sequence == peer.next && (shape & 64) == 0) {
      peer.next += payload + ((flags & tcp_flags::kSyn) != 0) + ((flags & tcp_flags::kFin) != 0);
    }
  }

  // Options that are given count as they are; else the timestamps that everybody sends.
  void send_from(const Peer& peer, uint8_t flags, uint32_t sequence, uint32_t acknowledgement,
                 std::span<const std::byte> options, uint16_t window, uint32_t payload, bool lost,
                 bool congestion = false) {
    if (lost) return;
    PacketBuffer* const frame = pool_.allocate();
    if (frame == nullptr) return;
    std::byte* const start = frame->data + 20;
    std::byte* at = start + TcpHeader::kSize;
    if (!options.empty()) {
      at = std::copy(options.begin(), options.end(), at);
      while ((at - start) % 4 != 0) *at++ = std::byte{tcp_options::kEnd};
    } else {
      store_be32(at, tcp_options::kPaddedTimestamps);
      store_be32(at + 4, peer.timestamp + static_cast<uint32_t>(now_.count >> 20));
      store_be32(at + 8, peer.echo);
      at += tcp_options::kPaddedTimestampsLength;
    }
    TcpHeader header;
    header.source_port = peer.key.remote_port;
    header.destination_port = peer.key.local_port;
    header.sequence = sequence;
    header.acknowledgement = acknowledgement;
    header.flags = flags;
    header.window = window;
    header.header_length = static_cast<uint8_t>(at - start);
    header.emit(start);
    for (uint32_t i = 0; i < payload; ++i) at[i] = static_cast<std::byte>(sequence + i);
    frame->length = static_cast<uint32_t>(at + payload - frame->data);
    frame->checksum = ChecksumState::kValid;
    give(frame, 20, frame->length - 20, peer.key, congestion);
  }

  void raw_segment(Input& input, const Peer& peer) {
    const uint16_t length = input.two();
    const auto bytes = input.take(length % 1600);
    PacketBuffer* const frame = pool_.allocate();
    if (frame == nullptr) return;
    std::copy(bytes.begin(), bytes.end(), frame->data);
    frame->length = static_cast<uint32_t>(bytes.size());
    // Now and then in two buffers.
    if ((length & 0x8000) != 0 && bytes.size() > 30) {
      if (PacketBuffer* const rest = pool_.allocate()) {
        rest->length = frame->length - 30;
        std::copy(bytes.begin() + 30, bytes.end(), rest->data);
        frame->length = 30;
        frame->next = rest;
      }
    }
    if ((length & 0x4000) != 0) frame->checksum = ChecksumState::kValid;
    // Stated lengths need not be true.
    const auto stated = static_cast<uint32_t>(bytes.size() + (length >> 12 & 3) - 1);
    give(frame, 0, stated, peer.key, false);
  }

  void give(PacketBuffer* frame, uint32_t offset, uint32_t length, FlowKey key, bool congestion) {
    key.local_port = key.remote_port = 0;
    stack_->receive(frame, offset, length, key, congestion, now_);
  }

  void pass(Nanoseconds time) {
    const Nanoseconds until = now_ + time;
    for (int i = 0; i < 200; ++i) {
      const auto next = stack_->next_timer();
      if (!next || *next > until) break;
      now_ = std::max(now_, *next);
      while (stack_->run_timers(now_)) {
      }
    }
    now_ = until;
    while (stack_->run_timers(now_)) {
    }
  }

  void program(Input& input) {
    const uint8_t call = input.byte();
    Socket& socket = sockets_[call >> 5];
    if (socket.connection == nullptr) {
      adopt(socket, stack_->accept(*listener_));
      return;
    }
    Connection& connection = *socket.connection;
    const uint32_t bytes = uint32_t{1} << (call & 15);
    switch (input.byte() % 12) {
      case 0:
      case 1:
        connection.read(bytes, now_, [](std::span<const std::byte> part) { return part.size(); });
        break;
      case 2:
      case 3:
        connection.send(bytes, (call & 16) != 0, now_, [](std::span<std::byte> part) {
          std::fill(part.begin(), part.end(), std::byte{0x5a});
          return part.size();
        });
        break;
      case 4:
        connection.shutdown_send(now_);
        break;
      case 5:
        connection.close(now_);
        socket.connection = nullptr;
        break;
      case 6:
        connection.abort(now_);
        socket.connection = nullptr;
        break;
      case 7:
        connection.set_no_delay((call & 1) != 0, now_);
        connection.set_cork((call & 2) != 0, now_);
        connection.set_quick_acknowledgement((call & 4) != 0, now_);
        break;
      case 8: {
        Keepalive keepalive;
        keepalive.on = (call & 1) != 0;
        keepalive.idle_seconds = 1;
        keepalive.interval_seconds = 1;
        keepalive.probes = 3;
        connection.set_keepalive(keepalive, now_);
        break;
      }
      case 9:
        connection.set_receive_buffer(bytes);
        connection.set_send_buffer(bytes);
        break;
      case 10:
        connection.set_user_timeout(bytes);
        connection.set_congestion_control((call & 1) != 0 ? CongestionAlgorithm::kCubic
                                                          : CongestionAlgorithm::kReno);
        break;
      default:
        static_cast<void>(connection.information(now_));
    }
  }

  void adopt(Socket& socket, Connection* connection) {
    if (connection == nullptr) return;
    socket.notify = [](Owner&, Connection&, uint32_t) {};
    socket.connection = connection;
    connection->set_owner(&socket);
  }

  void open(Peer& peer) {
    for (Socket& socket : sockets_) {
      if (socket.connection != nullptr) continue;
      FlowKey key = peer.key;
      key.local_port = 0;
      const auto opening = stack_->open(key, now_);
      if (!opening) return;
      adopt(socket, opening->connection);
      peer.key.local_port = opening->connection->key.local_port;
      opening->connection->connect(opening->initial, opening->timestamp_offset, now_);
      return;
    }
  }

  void icmp(Input& input, const Peer& peer) {
    const Sequence about{peer.theirs - input.byte()};
    if (const uint16_t mtu = input.two(); (mtu & 1) != 0)
      stack_->packet_too_big(peer.key, mtu, about, now_);
    else
      stack_->unreachable(peer.key, Errno::kECONNREFUSED, (mtu & 2) != 0, about, now_);
  }

  bool take(PacketBuffer* frame, const FlowKey& to, const SegmentToSend& how) {
    Segment segment;
    FlowKey ports;
    require(parse_segment(*frame, 0, uint32_t{how.header} + how.payload, segment, ports));
    require(ports.local_port == to.remote_port && ports.remote_port == to.local_port);
    require(segment.length == how.payload && segment.payload_offset == how.header);
    require(frame->data - frame->start() >= kHeaderRoom + ptrdiff_t{PacketBuffer::kHeadroom});
    require(how.segment_size != 0 || how.payload <= 1500);
    for (Peer& peer : peers_) {
      if (!(peer.key == to)) continue;
      if (!segment.has(tcp_flags::kRst)) {
        if (segment.end() > Sequence{peer.theirs} || segment.has(tcp_flags::kSyn))
          peer.theirs = segment.end().value;
        if (segment.has(tcp_flags::kAck)) peer.next = segment.acknowledgement.value;
        if (segment.options.has_timestamp) peer.echo = segment.options.timestamp_value;
      }
    }
    release_chain(frame);
    return true;
  }

  void finish() {
    memory_.set_limit(SIZE_MAX);
    queue_memory_.set_limit(SIZE_MAX);
    in_burst_ = false;
    stack_->flush(now_);
    for (Socket& socket : sockets_) {
      if (socket.connection != nullptr) socket.connection->close(now_);
      socket.connection = nullptr;
    }
    stack_->flush(now_);
    stack_->unlisten(*listener_, now_);
    // What is left ends by its timers, or is ended.
    pass(seconds(10));
    stack_->end(now_);
    require(stack_->connections() == 0);
    require(stack_->half_open() == 0);
    listener_.reset();
    stack_.reset();
    require(memory_.bytes() == 0);
    require(pool_.in_use() == 0);
    queues_.reset();  // asserts that all pieces are back
    require(queue_memory_.bytes() == 0);
  }

  Nanoseconds now_;
  bool in_burst_ = false;
  TestMemory memory_;
  TestMemory queue_memory_;
  AlignedMemory area_;
  BufferPool pool_;
  std::unique_ptr<QueueMemory> queues_;
  ListenerQueue queue_;
  std::unique_ptr<Stack> stack_;
  std::unique_ptr<Listener> listener_;
  std::array<Peer, kPeers> peers_;
  std::array<Socket, 8> sockets_;
};

}  // namespace
}  // namespace plumbline::net::tcp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace plumbline;
  static auto* const fuzzed = new net::tcp::Fuzzed;
  net::tcp::Input input(std::as_bytes(std::span(data, size)));
  fuzzed->run(input);
  return 0;
}
