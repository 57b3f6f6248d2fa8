// Scripted applications: one end of a connection that sends, receives, waits and ends as its script
// says, and checks every byte that it receives.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/simulator/byte_pattern.hh"
#include "net/simulator/byte_stream.hh"
#include "net/simulator/event_queue.hh"
#include "net/simulator/violations.hh"

namespace plumbline::net::simulator {

struct Script {
  enum class Ending : uint8_t {
    kHalfClose,   // finish() when everything is written, close() at the peer's end
    kAfterPeer,   // wait for the peer's end, then close()
    kWhenSent,    // close() when everything is written: for a peer that sends nothing
    kAbortSent,   // abort() when `ending_bytes` are written
    kAbortRead,   // abort() when `ending_bytes` are read
    kClosedRead,  // close() when `ending_bytes` are read, though more may come: the peer is reset
  };
  static constexpr uint64_t kEverything = ~uint64_t{0};

  // How much it may send: `first` bytes at once and `each` more for every `unit` bytes received, up
  // to `total`. So a client has first = each = request and unit = response, a server first = 0.
  uint64_t total = 0;
  uint64_t first = kEverything;
  uint64_t unit = 1;
  uint64_t each = 0;

  size_t write_size = 65536;  // bytes of one write
  Nanoseconds write_gap{};    // pause after each
  size_t read_size = 65536;   // bytes of one read
  Nanoseconds read_gap{};     // pause after each
  Nanoseconds read_from{};    // no read before this much time after the connection's start
  uint64_t stall_after = 0;   // once so many bytes are read it pauses ...
  Nanoseconds stall_time{};   // ... for this long
  Ending ending = Ending::kHalfClose;
  uint64_t ending_bytes = 0;
};

// True when this end gives up before the stream's regular end, so that the peer may be reset.
constexpr bool ends_abruptly(Script::Ending ending) {
  return ending == Script::Ending::kAbortSent || ending == Script::Ending::kAbortRead ||
         ending == Script::Ending::kClosedRead;
}

// One end of a connection. Both ends' scripts are known to both: what arrives is checked against
// what the other end must have sent.
class Application {
 public:
  struct Peer {
    Script script;
    BytePattern pattern;
  };

  // `name` stands in messages. All references must outlive the application.
  Application(std::string name, EventQueue& queue, Violations& violations, const Script& script,
              BytePattern pattern, Peer peer);
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  // The connection exists, or is being made. Takes over stream.wake.
  void start(ByteStream& stream);
  // The stream was closed or aborted by this end, or had failed and was closed: nothing is to come.
  bool finished() const { return finished_; }
  bool started() const { return stream_ != nullptr || finished_; }
  // This end saw the whole dialogue: everything sent, everything received, no error.
  bool complete() const { return complete_; }
  uint64_t sent() const { return sent_; }
  uint64_t received() const { return received_; }
  // When it finished.
  Nanoseconds finished_at() const { return finished_at_; }
  // "client 7: sent 10 of 10, received 5 of 9, ..." for messages.
  std::string describe() const;

 private:
  void wake();
  void run();
  void run_later(Nanoseconds at);
  void read_some();
  void write_some();
  bool end_now();
  void end(bool abort);
  uint64_t allowed() const;
  void wrong(const std::string& text);

  std::string name_;
  EventQueue& queue_;
  Violations& violations_;
  Script script_;
  BytePattern pattern_;
  Peer peer_;
  ByteStream* stream_ = nullptr;
  std::vector<std::byte> buffer_;
  uint64_t sent_ = 0;
  uint64_t received_ = 0;
  Nanoseconds started_at_{};
  Nanoseconds finished_at_{};
  Nanoseconds write_at_{};  // not before
  Nanoseconds read_at_{};
  Nanoseconds wake_at_{};  // a run is queued for then; 0: none
  bool stalled_ = false;
  bool sending_done_ = false;
  bool finished_ = false;
  bool complete_ = false;
};

}  // namespace plumbline::net::simulator
