// For hosted tests: a connection against a script. The script says what the peer sends and what
// must come from the connection, in a notation like packetdrill's (Cardwell et al., USENIX ATC
// 2013):
//
//   flags begin:end(length) ack number win field <option, option>
//
// Flags: S F R P E (ECE) W (CWR) and . for ACK. Numbers count from the sender's SYN; `win` is the
// field as it stands in the header. Options: mss 1460, sackOK, wscale 7, TS val 1 ecr 2, sack 1:2
// 3:4, nothing.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/queue_memory.hh"
#include "net/tcp/connection.hh"
#include "net/tcp/test_memory.hh"

namespace plumbline::net::tcp {

class ConnectionScript {
 public:
  // What a frame that was sent said.
  struct Sent {
    Segment segment;  // without its frame
    std::vector<std::byte> payload;
    SegmentToSend how;
    Nanoseconds at;
  };
  // Of the peer in the handshakes below.
  struct Peer {
    std::string options = "mss 1000";  // of its SYN
    uint16_t window = 65535;
    std::string flags = "S.";  // of its SYN, ACK
  };

  explicit ConnectionScript(const Settings& settings = plain());
  ~ConnectionScript();
  ConnectionScript(const ConnectionScript&) = delete;
  ConnectionScript& operator=(const ConnectionScript&) = delete;

  // No options at all, so that scripts show what they are about.
  static Settings plain();

  // ---- Opening: an active open up to ESTABLISHED, or a listener's connection
  // ---------------------

  void establish(const Peer& peer);
  void establish() { establish(Peer()); }
  void accept(const Handshake& handshake);
  static Handshake plain_handshake();
  void connect();

  // ---- The peer
  // -----------------------------------------------------------------------------------

  // The peer sends that; then what the connection's burst left to do is done.
  void receive(const std::string& text);
  // The same without the end of the burst.
  void receive_more(const std::string& text);
  // The next thing the connection sent is that, as far as the text says anything of it.
  void expect(const std::string& text);
  // It sent nothing (more).
  void expect_nothing();
  std::optional<Sent> next();
  size_t sent_count() const { return sent_.size(); }

  // ---- The program
  // --------------------------------------------------------------------------------

  // Sends `bytes` of a pattern that expect() checks.
  uint32_t send(uint32_t bytes, bool more = false);
  // Reads that many bytes and checks them against the peer's pattern; how many came.
  uint32_t read(uint32_t bytes);
  // Events since the last call, or-ed.
  uint32_t events();

  // ---- Time
  // ---------------------------------------------------------------------------------------

  void advance(Nanoseconds time);
  void flush() { domain.flush(now); }

  // ---- What there is
  // ------------------------------------------------------------------------------

  Connection& operator*() { return *connection; }
  Connection* operator->() { return connection.get(); }
  bool timer_armed() const { return !wheel_.empty(); }

  static constexpr uint32_t kInitialSend = 0xffff'fc00;  // numbers wrap around early
  static constexpr uint32_t kInitialReceive = 0x7fff'fe00;
  static constexpr uint32_t kTimestampOffset = 77;

  Nanoseconds now = seconds(1000);
  Domain domain;
  std::unique_ptr<Connection> connection;
  bool left = false;                                      // Domain::leave was called
  bool released = false;                                  // Domain::release
  bool drop_frames = false;                               // Domain::send says no
  bool device_ready = true;                               // what Domain::ready says
  void (*before_each)(Connection& connection) = nullptr;  // call into the connection

  // The memory that there is: nothing more from now on, or again; and all device buffers, taken.
  void set_memory_limit(size_t bytes) { source_.set_limit(bytes); }
  std::vector<PacketBuffer*> take_buffers();

 private:
  struct Listener : Owner {
    uint32_t events = 0;
  };

  static bool take(void* self, PacketBuffer* frame, const FlowKey& key, const SegmentToSend& how);
  Segment parse(const std::string& text);
  PacketBuffer* make_frame(const Segment& segment);
  std::string format(const Sent& sent, const std::string& like) const;

  TestMemory source_;
  std::vector<std::byte> buffers_;
  BufferPool pool_;
  std::unique_ptr<QueueMemory> memory_;
  std::unique_ptr<SentSegmentPool> records_;
  std::unique_ptr<RecoveryDomain> recovery_;
  TimerWheel wheel_;
  Listener owner_;
  std::deque<Sent> sent_;
  uint64_t sent_by_program_ = 0;
  uint64_t read_by_program_ = 0;
  uint32_t last_timestamp_ = 0;  // of the connection, which the peer echoes
};

}  // namespace plumbline::net::tcp
