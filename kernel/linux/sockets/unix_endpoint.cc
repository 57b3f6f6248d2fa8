// Connections of UNIX sockets: peers, backlog, shutdown, end, readiness.
#include "linux/sockets/unix_endpoint.hh"

#include "sync/interruptible_wait.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {

UnixEndpoint::~UnixEndpoint() {
  // Who came while this one was being closed.
  tell_refused();
  if (UnixName* own = name.load(std::memory_order_relaxed)) own->release();
}

void UnixEndpoint::pair(UnixEndpoint& a, UnixEndpoint& b) {
  const ProcessCredentials who = current_credentials();
  for (UnixEndpoint* endpoint : {&a, &b}) {
    UnixEndpoint& other = endpoint == &a ? b : a;
    endpoint->peer_credentials = who;
    other.retain();
    endpoint->peer_.store(&other, std::memory_order_release);
    endpoint->state.store(State::kConnected, std::memory_order_release);
  }
}

Ref<UnixEndpoint> UnixEndpoint::peer() {
  const LockGuard guard(lock_);
  return Ref<UnixEndpoint>::share(peer_.load(std::memory_order_relaxed));
}

void UnixEndpoint::set_peer(Ref<UnixEndpoint> peer) {
  const UnixEndpoint* const now = peer.get();
  UnixEndpoint* previous;
  {
    const LockGuard guard(lock_);
    state.store(peer ? State::kConnected : State::kUnconnected, std::memory_order_relaxed);
    previous = peer_.exchange(peer.leak(), std::memory_order_acq_rel);
  }
  if (previous != nullptr) {
    forget_refusal();
    if (previous != now) leave(*previous);
    previous->release();
  }
  tell_all();
}

// As on Linux (net/unix/af_unix.c, unix_dgram_disconnected): the old peer learns that what it sent
// is lost.
void UnixEndpoint::leave(UnixEndpoint& previous) {
  if (messages_.load(std::memory_order_acquire) == 0) return;
  flush();
  tell_refused();
  if (previous.closed.load(std::memory_order_acquire) || !previous.has_peer(*this)) return;
  previous.error.store(static_cast<std::int32_t>(Errno::kECONNRESET), std::memory_order_release);
  previous.tell_all();
}

Status UnixEndpoint::finish_wait(Status waited, Patience patience) const {
  if (waited) return {};
  if (waited.error() == Errno::kETIMEDOUT) return Errno::kEAGAIN;
  // With a time-out the call is not made again (Linux, include/net/sock.h, sock_intr_errno).
  if (waited.error() == Errno::kRestart && !patience.deadline.is_never()) return Errno::kEINTR;
  return waited;
}

Status UnixEndpoint::listen(int backlog, const ProcessCredentials& who) {
  {
    const LockGuard guard(lock_);
    if (state.load(std::memory_order_relaxed) == State::kConnected) return Errno::kEINVAL;
    // Somaxconn, and nonsense counts as much (listen(2)).
    constexpr std::size_t kMost = 4096;
    backlog_limit_ = std::min(static_cast<std::size_t>(static_cast<unsigned>(backlog)), kMost);
    listener_credentials = who;
    state.store(State::kListening, std::memory_order_release);
  }
  arrivals_.wake_all();
  return {};
}

Status UnixEndpoint::connect_stream(UnixEndpoint& listener, Ref<UnixEndpoint> accepted,
                                    Patience patience, const ProcessCredentials& who) {
  for (;;) {
    {
      const LockGuard guard(listener.lock_);
      if (listener.closed.load(std::memory_order_relaxed) ||
          listener.state.load(std::memory_order_relaxed) != State::kListening ||
          (listener.shut.load(std::memory_order_relaxed) & kShutReceive) != 0)
        return Errno::kECONNREFUSED;
      if (listener.backlog_length_ <= listener.backlog_limit_) {
        State expected = State::kUnconnected;
        if (!state.compare_exchange_strong(expected, State::kConnected, std::memory_order_acq_rel))
          return expected == State::kConnected ? Errno::kEISCONN : Errno::kEINVAL;
        accepted->peer_credentials = who;
        peer_credentials = listener.listener_credentials;
        retain();
        accepted->peer_.store(this, std::memory_order_release);
        accepted->state.store(State::kConnected, std::memory_order_release);
        accepted->retain();
        peer_.store(accepted.get(), std::memory_order_release);
        ++listener.backlog_length_;
        listener.backlog_.push_back(accepted.leak());
        break;
      }
    }
    if (!patience.waits) return Errno::kEAGAIN;
    const Status waited = finish_wait(
        wait_interruptibly(
            listener.arrivals_,
            [&] {
              const LockGuard guard(listener.lock_);
              return listener.backlog_length_ <= listener.backlog_limit_ ||
                     listener.state.load(std::memory_order_relaxed) != State::kListening;
            },
            patience.deadline),
        patience);
    if (!waited) return waited;
  }
  listener.tell_readable();
  source.notify(kPollOut | kPollWriteNormal);
  return {};
}

Result<Ref<UnixEndpoint>> UnixEndpoint::accept(Patience patience) {
  for (;;) {
    if (state.load(std::memory_order_acquire) != State::kListening) return Errno::kEINVAL;
    UnixEndpoint* next;
    {
      const LockGuard guard(lock_);
      next = backlog_.pop_front();
      if (next != nullptr) --backlog_length_;
    }
    if (next != nullptr) {
      arrivals_.wake_one();
      return Ref<UnixEndpoint>::adopt(next);
    }
    if ((shut.load(std::memory_order_acquire) & kShutReceive) != 0) return Errno::kEINVAL;
    if (!patience.waits) return Errno::kEAGAIN;
    const Status waited =
        finish_wait(wait_interruptibly(
                        readers_,
                        [&] {
                          return !backlog_.empty_unlocked() ||
                                 (shut.load(std::memory_order_acquire) & kShutReceive) != 0;
                        },
                        patience.deadline),
                    patience);
    if (!waited) return waited.error();
  }
}

Status UnixEndpoint::shutdown(std::uint8_t bits) {
  const Ref<UnixEndpoint> other = peer();
  shut.fetch_or(bits, std::memory_order_acq_rel);
  if (connection_based() && other) {
    // What one side does not send the other cannot receive.
    std::uint8_t mirrored = 0;
    if ((bits & kShutReceive) != 0) mirrored |= kShutSend;
    if ((bits & kShutSend) != 0) mirrored |= kShutReceive;
    other->shut.fetch_or(mirrored, std::memory_order_acq_rel);
    other->tell_all();
  }
  tell_all();
  return {};
}

void UnixEndpoint::close() {
  unbind_unix(*this);
  UnixEndpoint* other;
  bool unread;
  {
    const LockGuard guard(lock_);
    closed.store(true, std::memory_order_release);
    shut.store(kShutBoth, std::memory_order_release);
    other = peer_.exchange(nullptr, std::memory_order_acq_rel);
    unread = !queue_.empty();
    state.store(State::kUnconnected, std::memory_order_release);
  }
  if (other != nullptr) {
    if (connection_based()) {
      if (unread)
        other->error.store(static_cast<std::int32_t>(Errno::kECONNRESET),
                           std::memory_order_release);
      other->shut.store(kShutBoth, std::memory_order_release);
      other->tell_all();
    }
    other->release();
  }
  for (;;) {
    UnixEndpoint* waiting;
    {
      const LockGuard guard(lock_);
      waiting = backlog_.pop_front();
      if (waiting != nullptr) --backlog_length_;
    }
    if (waiting == nullptr) break;
    // Whoever connected learns that nobody ever accepted.
    if (const Ref<UnixEndpoint> connected = waiting->peer())
      connected->error.store(static_cast<std::int32_t>(Errno::kECONNRESET),
                             std::memory_order_release);
    waiting->close();
    waiting->release();
  }
  flush();
  forget_refusal();
  tell_refused();
  tell_all();
}

void UnixEndpoint::flush() {
  for (;;) {
    UnixMessage* message;
    {
      const LockGuard guard(lock_);
      message = queue_.pop_front();
      if (message == nullptr) return;
      bytes_ -= message->left();
      // The order of all: see refuses().
      messages_.fetch_sub(1, std::memory_order_seq_cst);
    }
    if (message->sender) message->sender->uncharge(message->charge());
    UnixMessage::destroy(message);
  }
}

void UnixEndpoint::tell_readable() {
  readers_.wake_one();
  source.notify(kPollIn | kPollReadNormal);
}

void UnixEndpoint::tell_all() {
  readers_.wake_all();
  writers_.wake_all();
  arrivals_.wake_all();
  source.notify(kPollIn | kPollReadNormal | kPollOut | kPollWriteNormal | kPollReadHangup |
                kPollHangup | kPollError);
}

PollEvents UnixEndpoint::poll() {
  PollEvents events = 0;
  const std::uint8_t closed_ways = shut.load(std::memory_order_acquire);
  const State now = state.load(std::memory_order_acquire);
  if (error.load(std::memory_order_relaxed) != 0) events |= kPollError;
  if (closed_ways == kShutBoth) events |= kPollHangup;
  if ((closed_ways & kShutReceive) != 0) events |= kPollReadHangup | kPollIn | kPollReadNormal;
  if (messages_.load(std::memory_order_acquire) != 0 ||
      (now == State::kListening && !backlog_.empty_unlocked()))
    events |= kPollIn | kPollReadNormal;
  // A stream that was never connected.
  if (connection_based() && now == State::kUnconnected) events |= kPollHangup;
  bool room = writable() && now != State::kListening;
  if (room && !connection_based()) {
    const Ref<UnixEndpoint> other = peer();
    if (other && other->refuses(*this)) room = false;
  }
  if (room) events |= kPollOut | kPollWriteNormal | kPollWriteBand;
  return events;
}

std::size_t UnixEndpoint::readable_bytes() {
  const LockGuard guard(lock_);
  if (connection_based()) return bytes_;
  UnixMessage* message = queue_.front();
  return message == nullptr ? 0 : message->left();
}

}  // namespace plumbline::linux_abi
