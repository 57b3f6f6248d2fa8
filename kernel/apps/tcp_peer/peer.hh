// The other end of what measures TCP: echo (RFC 862), discard (RFC 863), and a character generator
// that sends in messages of a size its client names.
//
// Nothing is copied with net=zerocopy: what is echoed goes out in the buffers it came in, what is
// generated from memory that is written once, what is discarded is not looked at.
#pragma once

#include <array>

#include "net/stream_server.hh"

namespace plumbline::tcp_peer {

inline constexpr uint16_t kEchoPort = 7;
inline constexpr uint16_t kDiscardPort = 9;
inline constexpr uint16_t kGeneratorPort = 19;
inline constexpr uint32_t kLargestMessage = 1 << 20;

// The byte that the generator sends at a place of its stream.
constexpr std::byte generated_byte(uint64_t at) { return static_cast<std::byte>(' ' + at % 64); }

// All three ports of one queue's stack.
class Peer {
 public:
  // `memory`: of the stack's queues. Both outlive the peer.
  explicit Peer(net::QueueMemory& memory) : memory_(memory) {}
  // With all streams closed.
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // False: a port is taken.
  bool attach(net::StreamServer& server, Nanoseconds now);

 private:
  static void echo(void*, net::Stream& stream);
  static void discard(void*, net::Stream& stream);
  static void generate(void* peer, net::Stream& stream);

  static bool read_size(net::Stream& stream);
  void send_messages(net::Stream& stream);
  uint32_t send_from_pattern(net::Stream& stream, uint64_t at, uint32_t length);
  net::PacketBuffer* borrow_pattern();

  // A buffer has up to 255 references: so many messages in flight refer to one.
  static constexpr size_t kPatterns = 32;

  net::QueueMemory& memory_;
  std::array<net::PacketBuffer*, kPatterns> patterns_{};
  size_t next_pattern_ = 0;
};

}  // namespace plumbline::tcp_peer
