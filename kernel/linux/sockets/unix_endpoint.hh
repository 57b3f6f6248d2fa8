// The state behind a UNIX socket, which messages, peers and names may hold on to after the socket
// itself was closed.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/clock.hh"
#include "core/intrusive_list.hh"
#include "fs/poll.hh"
#include "linux/sockets/socket.hh"
#include "linux/sockets/unix_message.hh"
#include "linux/sockets/unix_names.hh"
#include "sync/mutex.hh"
#include "sync/spinlock.hh"
#include "sync/wait_queue.hh"

namespace plumbline::linux_abi {

// How long a call may wait; a deadline that lies at 0 is "not at all".
struct Patience {
  bool waits = true;
  Deadline deadline = Deadline::never();
};

class UnixEndpoint : public ReferenceCounted {
 public:
  // Datagrams that wait for one receiver, from others than its peer (Linux,
  // net.unix.max_dgram_qlen).
  static constexpr std::size_t kMostDatagrams = 10;
  // Bytes of one message of a stream: with its header a block of whole pages.
  static constexpr std::size_t kChunk = 32768 - sizeof(UnixMessage);

  enum class State : std::uint8_t { kUnconnected, kListening, kConnected };

  explicit UnixEndpoint(int socket_type) : type(socket_type) {}
  ~UnixEndpoint() override;

  // The socket was closed: peers learn of it, what waits is dropped.
  void close();
  // Makes two new endpoints peers of each other (socketpair).
  static void pair(UnixEndpoint& a, UnixEndpoint& b);
  // A stream's connection to a listening endpoint: queues `accepted` there.
  Status connect_stream(UnixEndpoint& listener, Ref<UnixEndpoint> accepted, Patience patience,
                        const ProcessCredentials& who);
  Status listen(int backlog, const ProcessCredentials& who);
  // The next connection. kEINVAL: not listening.
  Result<Ref<UnixEndpoint>> accept(Patience patience);
  // Datagrams: whom send() without an address goes to; null: nobody any more. What waits here for
  // the previous one is dropped.
  void set_peer(Ref<UnixEndpoint> peer);
  // False when this endpoint takes datagrams from another sender alone.
  bool takes_from(const UnixEndpoint& sender) const {
    const UnixEndpoint* const chosen = peer_.load(std::memory_order_acquire);
    return chosen == nullptr || chosen == &sender;
  }
  Ref<UnixEndpoint> peer();
  Status shutdown(std::uint8_t bits);
  PollEvents poll();
  // What is to be told once, and is forgotten now; kNone.
  Errno take_error() {
    if (error.load(std::memory_order_relaxed) == 0) return Errno::kNone;
    return static_cast<Errno>(error.exchange(0, std::memory_order_acq_rel));
  }

  // Streams. `pass`: the receiver wants credentials, so that bytes of different senders are not
  // given in one piece.
  Result<std::size_t> send_stream(IoCursor& from, const SendRequest& request, Patience patience);
  Result<std::size_t> receive_stream(IoCursor& to, ReceiveRequest& request, Patience patience,
                                     bool pass);
  // Datagrams and sequenced packets.
  Result<std::size_t> send_datagram(IoCursor& from, const SendRequest& request, Patience patience,
                                    UnixEndpoint* to);
  Result<std::size_t> receive_datagram(IoCursor& to, ReceiveRequest& request, Patience patience,
                                       bool pass);

  // How many bytes sent may wait for readers.
  void set_send_limit(std::size_t bytes);
  // Bytes that a read would give; of datagrams the first one's.
  std::size_t readable_bytes();

  const int type;
  std::atomic<State> state{State::kUnconnected};
  // kShut... of this side.
  std::atomic<std::uint8_t> shut{0};
  std::atomic<bool> closed{false};
  std::atomic<std::int32_t> error{0};
  // Bytes sent that nobody has read, and how many there may be.
  std::atomic<std::size_t> charged{0};
  std::atomic<std::size_t> send_limit{kDefaultBuffer};
  // Own name, a reference; set once, under the table's lock (unix_names.hh).
  std::atomic<UnixName*> name{nullptr};
  ListHook name_hook;
  // In the backlog of the listening endpoint.
  ListHook backlog_hook;
  // In the list of who refused a datagram of this sender.
  ListHook refused_hook;
  // Who connected or listened on the other side.
  ProcessCredentials peer_credentials, listener_credentials;
  PollSource source;

 private:
  // Streams keep their peer until the end, so that those who use the socket need no lock for it.
  UnixEndpoint* stream_peer() const { return peer_.load(std::memory_order_acquire); }
  bool has_peer(const UnixEndpoint& other) const {
    return peer_.load(std::memory_order_relaxed) == &other;
  }
  bool connection_based() const { return type != kDatagram; }
  bool writable() const {
    return charged.load(std::memory_order_relaxed) * 4 <=
           send_limit.load(std::memory_order_relaxed);
  }
  bool has_send_room() const {
    return charged.load(std::memory_order_relaxed) < send_limit.load(std::memory_order_relaxed);
  }
  // True when the receiver takes no datagram more of `sender`.
  bool datagrams_full(const UnixEndpoint& sender) const;
  // The same, and `sender` will be told (kPollOut) when that changes.
  bool refuses(UnixEndpoint& sender);
  // As a receiver: wakes and tells those who were refused.
  void tell_refused();
  // A datagram socket has another peer now.
  void leave(UnixEndpoint& previous);
  // As a sender: will not be told any more. The second with the lock of these lists; the list's
  // reference is the caller's then.
  void forget_refusal();
  void leave_refusals_locked();
  // Until `other` has room for a datagram, or cannot take one any more. kEPERM: it is somebody
  // else's.
  Status wait_until_taken(UnixEndpoint& other, bool is_peer, Patience patience);
  Status wait_for_send_room(Patience patience);
  // A message of this sender was read or dropped.
  void uncharge(std::size_t bytes);
  // Appends a message, unless the receiver has gone (kEPIPE: it takes no more; kECONNREFUSED).
  Status deliver(UnixMessage& message);
  Status wait_for_message(Patience patience, bool& end);
  UnixMessage* first();
  void drop(UnixMessage* message);
  void tell_readable();
  void tell_writable();
  void tell_all();
  void flush();
  static void attach_control(UnixMessage& message, const SendControl* control, bool files);
  static bool give_control(UnixMessage& message, ReceiveRequest& request, bool pass, bool peek);
  Status finish_wait(Status waited, Patience patience) const;

  Spinlock lock_;
  // Under lock_: messages to this endpoint, and their bytes.
  IntrusiveList<UnixMessage, &UnixMessage::hook> queue_;
  std::atomic<std::size_t> messages_{0};
  std::size_t bytes_ = 0;
  // Held while a stream's bytes are copied out: two readers get whole pieces, in order.
  Mutex reader_;
  // Changes under lock_; a reference.
  std::atomic<UnixEndpoint*> peer_{nullptr};

  // A listening endpoint's connections that were not accepted, under lock_; each a reference.
  IntrusiveList<UnixEndpoint, &UnixEndpoint::backlog_hook> backlog_;
  std::size_t backlog_length_ = 0;
  std::size_t backlog_limit_ = 0;

  // Senders that found no room here and wait by poll; each a reference. How many there are is read
  // without the lock.
  IntrusiveList<UnixEndpoint, &UnixEndpoint::refused_hook> refused_;
  std::atomic<std::size_t> refusals_{0};
  // In whose list this sender is.
  UnixEndpoint* refused_by_ = nullptr;

  WaitQueue readers_;   // for messages and connections
  WaitQueue writers_;   // for room in what this endpoint has sent
  WaitQueue arrivals_;  // senders and connecters, for room in this endpoint's queues
};

}  // namespace plumbline::linux_abi
