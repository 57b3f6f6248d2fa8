// A port that accepts connections, on all stacks of the host at once.
//
// Each queue pair's Stack has a ListenerQueue of each Listener: the half-open connections and those
// that wait for accept(), which all belong to that stack's domain. So a SYN, the rest of its
// handshake and the accepting of what came of it take no lock but the domain's; CPUs share a few
// counters. What may be called from where:
//   with the stack's domain held   Stack::listen(), unlisten(), accept(), one stack after the
//   other;
//                                  everything in ListenerQueue
//   from anywhere, no lock         ready(), next_ready(), queued(), set_backlog()
//   called with a domain held      Configuration::ready and prepare, perhaps on several CPUs at
//   once
// A Listener may be destroyed when unlisten() has returned on every stack that it listened on; who
// calls these must see to it that nobody accepts meanwhile.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "core/intrusive_list.hh"
#include "core/intrusive_queue.hh"
#include "net/tcp/connection.hh"
#include "net/tcp/half_open.hh"

namespace plumbline::net::tcp {

class Listener;

// What one stack has of a listener.
struct ListenerQueue {
  Listener* listener = nullptr;  // nullptr: the stack does not listen
  IntrusiveQueue<Connection, &Connection::accept_hook> waiting;
  IntrusiveList<HalfOpen, &HalfOpen::hook> half_open;
  uint32_t half_open_count = 0;
  // Cookies are looked for in ACKs only for as long after the last that one may be valid.
  bool cookie_sent = false;
  bool at_home = false;  // this is the stack that Configuration::home names
  Nanoseconds last_cookie;
};

class Listener {
 public:
  static constexpr unsigned kMaximumStacks = 64;

  struct Configuration {
    // Unspecified: all addresses; :: takes IPv4's connections, too, unless `v6_only`.
    IpAddress address;
    uint16_t port = 0;
    uint32_t zone = 0;  // the interface, where `address` is link-local
    bool v6_only = false;
    // Others may listen on the same address and port when all of them say so (SO_REUSEPORT); each
    // connection goes to one of them by a hash of its two ends.
    bool reuse_port = false;
    // With `reuse_port`: connections that arrive at the stack of this number come here
    // (SO_INCOMING_CPU). -1: no matter where.
    int8_t home = -1;
    // What our SYN offers: bytes of receive buffer; 0: the domain's settings say. At most this MSS
    // (TCP_MAXSEG); 0: what the path takes.
    uint32_t receive_buffer = 0;
    uint16_t maximum_segment = 0;
    uint8_t traffic_class = 0;
    uint8_t hop_limit = 64;
    // Gives a new connection what it inherits from the listening socket; may be nullptr.
    void (*prepare)(void* owner, Connection& connection) = nullptr;
    // A connection can be accepted, on stack `stack`: wakes who waits. May be nullptr.
    void (*ready)(void* owner, Listener& listener, unsigned stack) = nullptr;
    void* owner = nullptr;
  };

  // `queues`: one for each stack, by its number, at most kMaximumStacks; must outlive the listener.
  Listener(const Configuration& configuration, std::span<ListenerQueue> queues, uint32_t backlog)
      : configuration_(configuration), queues_(queues), backlog_(backlog) {
    ASSERT(queues.size() <= kMaximumStacks);
  }
  ~Listener() { ASSERT(queued() == 0 && half_open() == 0); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  const Configuration& configuration() const { return configuration_; }

  // True when some stack has a connection to accept. The answer may be out of date, unless the
  // caller was woken by Configuration::ready and is the only one who accepts.
  bool ready() const { return ready_stacks_.load(std::memory_order_acquire) != 0; }
  // The number of a stack with a connection to accept, `preferred` if that has one; -1: none has.
  int next_ready(unsigned preferred) const;
  // Connections that wait for accept().
  uint32_t queued() const { return queued_.load(std::memory_order_relaxed); }
  uint32_t half_open() const { return half_open_.load(std::memory_order_relaxed); }
  // How many may wait (listen()'s second argument; as on Linux one more than that is let in).
  void set_backlog(uint32_t backlog) { backlog_.store(backlog, std::memory_order_relaxed); }
  uint32_t backlog() const { return backlog_.load(std::memory_order_relaxed); }
  bool full() const { return queued() > backlog(); }

 private:
  friend class Stack;

  ListenerQueue& queue(unsigned stack) { return queues_[stack]; }
  // With the domain of `stack` held.
  void push(unsigned stack, Connection& connection);
  Connection* pop(unsigned stack);

  const Configuration configuration_;
  const std::span<ListenerQueue> queues_;
  // Relaxed: they bound and inform, nothing is read because of their values.
  std::atomic<uint32_t> backlog_;
  std::atomic<uint32_t> queued_{0};
  std::atomic<uint32_t> half_open_{0};
  // A bit a stack with connections that wait; changed with that stack's domain held.
  std::atomic<uint64_t> ready_stacks_{0};
};

}  // namespace plumbline::net::tcp
