// TCP for native applications, on one queue's stack: ports that accept, a call for each connection
// to which something has happened, and loans instead of copies in both directions.
//
// Handlers run after a burst, not in the middle of a segment, so they may do anything with their
// connection. Portable; belongs to whoever has the stack, like the stack itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "net/packet_buffer.hh"
#include "net/tcp/slab.hh"
#include "net/tcp/stack.hh"

namespace plumbline::net {

class StreamServer;
struct StreamPort;

// An accepted connection. It is the application's until it has called close() or abort().
class Stream : public tcp::Owner {
 public:
  explicit Stream(const StreamPort& port) : port_(&port) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Bytes that wait to be received, and whether none will come behind them.
  uint32_t readable() const { return connection_->readable(); }
  bool at_end() const { return readable() == 0 && connection_->peer_closed(); }
  // The connection is no more, by a reset or a time-out: close() it.
  bool failed() const {
    return connection_->state() == tcp::State::kClosed ||
           connection_->state() == tcp::State::kTimeWait;
  }

  // The next bytes in the buffer they arrived in (with net=copy: were copied to): `data` and
  // `length` are them. It is the caller's, to be given back by release() or handed over to a
  // stream of the same queue. Device buffers are few (see QueueMemory): who keeps them for long
  // should copy. nullptr: there is nothing.
  PacketBuffer* borrow_received();
  // The first bytes copied to `to`; how many.
  uint32_t read(std::span<std::byte> to);
  // Throws up to `length` bytes away; how many.
  uint32_t discard(uint32_t length);

  // Whether a good part of the send buffer is free. If not, the handler is called once it is, as
  // long as there is a connection.
  bool writable() { return connection_->may_send() && connection_->writable(); }
  // For who found no memory: the handler is called when there may be some.
  void want_room();
  // Bytes that may be sent now.
  uint32_t room() const { return connection_->send_room(); }
  // Memory that will be sent from where it lies, for up to `length` bytes in one piece; empty: no
  // memory. What was written there is sent by commit(), the next call.
  std::span<std::byte> borrow_room(uint32_t length) {
    return connection_->send_queue().reserve(length);
  }
  void commit(uint32_t length) { connection_->send_queue().commit(length); }
  // Sends `length` bytes at `data` in `buffer` without a copy (net=copy: with one, as the variant
  // says), which must not change until they are acknowledged. How many were taken: with all of them
  // goes one reference to the buffer.
  uint32_t hand_over(PacketBuffer* buffer, std::byte* data, uint32_t length) {
    return connection_->send_queue().hand_over(buffer, data, length);
  }
  // Sends what was committed and handed over. `more`: a last piece smaller than a segment waits for
  // what comes next.
  void push(bool more = false);

  // No more will be sent.
  void shutdown_send();
  // The end: with what was pushed still sent, or by a reset. The stream is gone afterwards.
  void close();
  void abort();

  tcp::Connection& connection() { return *connection_; }
  StreamServer& server() const;

  // The application's own.
  uint64_t state[2] = {};

 private:
  friend class StreamServer;

  const StreamPort* port_;
  tcp::Connection* connection_ = nullptr;
  Stream* next_ready_ = nullptr;
  bool is_ready_ = false;
};

struct StreamHandler {
  // A connection was accepted; ready() follows when there is something. May be nullptr.
  void (*opened)(void* context, Stream& stream) = nullptr;
  // Data, an end, or room again. It should take what it can: the next call comes with the next
  // event.
  void (*ready)(void* context, Stream& stream) = nullptr;
  void* context = nullptr;
};

struct StreamPort {
  StreamServer* server = nullptr;
  StreamHandler handler;
  tcp::ListenerQueue* queues = nullptr;
  tcp::Listener* listener = nullptr;
};

struct StreamStatistics {
  uint64_t accepted = 0;
  uint64_t no_memory = 0;  // accepted, and reset at once
};

class StreamServer {
 public:
  static constexpr size_t kMaximumPorts = 8;

  // `memory`: of streams, 64 bytes each.
  StreamServer(tcp::Stack& stack, const tcp::MemorySource& memory, uint32_t maximum_streams);
  // After tcp::Stack::end(), with all streams closed.
  ~StreamServer();
  StreamServer(const StreamServer&) = delete;
  StreamServer& operator=(const StreamServer&) = delete;

  // Accepts connections to `port` of any address on this stack. False: it is taken, there are
  // kMaximumPorts already, or no memory.
  bool listen(uint16_t port, const StreamHandler& handler, Nanoseconds now);
  // Stops that, for all ports.
  void stop(Nanoseconds now);

  // Calls the handlers of all to whom something has happened. After each burst and after timers,
  // before Stack::flush().
  void progress(Nanoseconds now) {
    if (is_waiting()) handle(now);
  }
  // Whether there is something to do for progress(): over the loopback, also after the flush.
  bool is_waiting() const { return ready_ != nullptr || accepting_ != 0; }

  tcp::Stack& stack() { return stack_; }
  Nanoseconds now() const { return now_; }
  uint32_t streams() const { return streams_.size(); }
  const StreamStatistics& statistics() const { return statistics_; }

 private:
  friend class Stream;

  static void notify(tcp::Owner& owner, tcp::Connection& connection, uint32_t events);
  void handle(Nanoseconds now);
  void accept(StreamPort& port);
  void add_ready(Stream& stream);
  void end(Stream& stream);

  tcp::Stack& stack_;
  tcp::Slab<Stream, 16 * kKiB> streams_;
  StreamPort ports_[kMaximumPorts];
  size_t port_count_ = 0;
  uint32_t accepting_ = 0;   // a bit a port: something waits to be accepted
  Stream* ready_ = nullptr;  // first come, first served
  Stream* last_ready_ = nullptr;
  Stream* handled_ = nullptr;  // whose handler runs; nullptr again when it has closed
  Nanoseconds now_;
  StreamStatistics statistics_;
};

inline StreamServer& Stream::server() const { return *port_->server; }

}  // namespace plumbline::net
