// Datagrams and sequenced packets of UNIX sockets: messages that keep their ends, and receivers
// that refuse more of them.
#include <algorithm>

#include "linux/sockets/unix_endpoint.hh"
#include "sync/interruptible_wait.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {

namespace {
// Of all endpoints' lists of senders that they refused: a sender goes from one list to another.
// Only taken where somebody was refused.
constinit Spinlock refusals_lock;
}  // namespace

bool UnixEndpoint::datagrams_full(const UnixEndpoint& sender) const {
  // A pair is limited by its own buffers alone. The order of all, for refuses().
  return messages_.load(std::memory_order_seq_cst) > kMostDatagrams && !has_peer(sender);
}

bool UnixEndpoint::refuses(UnixEndpoint& sender) {
  if (!datagrams_full(sender)) return false;
  {
    const LockGuard guard(refusals_lock);
    if (sender.refused_by_ != this) {
      if (sender.refused_by_ == nullptr)
        sender.retain();
      else
        sender.leave_refusals_locked();
      refused_.push_back(&sender);
      sender.refused_by_ = this;
      // Before the look below, in the one order of sequentially consistent operations; who takes a
      // message out counts it first and looks at this then.
      refusals_.fetch_add(1, std::memory_order_seq_cst);
    }
  }
  // Stays in the list in any case: another thread may have been refused meanwhile. To be told
  // without need harms nobody.
  return datagrams_full(sender);
}

void UnixEndpoint::leave_refusals_locked() {
  refused_by_->refused_.remove(this);
  refused_by_->refusals_.fetch_sub(1, std::memory_order_relaxed);
  refused_by_ = nullptr;
}

void UnixEndpoint::forget_refusal() {
  {
    const LockGuard guard(refusals_lock);
    if (refused_by_ == nullptr) return;
    leave_refusals_locked();
  }
  release();
}

void UnixEndpoint::tell_refused() {
  arrivals_.wake_all();
  // No more than there are now: a sender may be refused again at once.
  for (std::size_t left = refusals_.load(std::memory_order_seq_cst); left != 0; --left) {
    UnixEndpoint* sender;
    {
      const LockGuard guard(refusals_lock);
      sender = refused_.front();
      if (sender == nullptr) return;
      sender->leave_refusals_locked();
    }
    sender->source.notify(kPollOut | kPollWriteNormal | kPollWriteBand);
    sender->release();
  }
}

Status UnixEndpoint::wait_until_taken(UnixEndpoint& other, bool is_peer, Patience patience) {
  for (;;) {
    // Who is connected takes datagrams from its peer alone (Linux, net/unix/af_unix.c,
    // unix_may_send).
    if (!other.takes_from(*this)) return Errno::kEPERM;
    const auto ended = [&] {
      return other.closed.load(std::memory_order_acquire) ||
             (other.shut.load(std::memory_order_acquire) & kShutReceive) != 0;
    };
    // What it gave up is told by deliver().
    if (ended() || !other.datagrams_full(*this)) return {};
    if (!patience.waits) {
      // To be told when there is room, unless it has come meanwhile. A stranger is not told, as on
      // Linux: it is not known whether it will try there again.
      if (is_peer && !other.refuses(*this)) continue;
      return Errno::kEAGAIN;
    }
    const Status waited =
        finish_wait(wait_interruptibly(
                        other.arrivals_, [&] { return !other.datagrams_full(*this) || ended(); },
                        patience.deadline),
                    patience);
    if (!waited) return waited;
  }
}

Result<std::size_t> UnixEndpoint::send_datagram(IoCursor& from, const SendRequest& request,
                                                Patience patience, UnixEndpoint* to) {
  if ((request.flags & kMessageOutOfBand) != 0) return Errno::kEOPNOTSUPP;
  Ref<UnixEndpoint> other = to != nullptr ? Ref<UnixEndpoint>::share(to) : peer();
  if (!other) {
    if (type == kSequencedPacket && (shut.load(std::memory_order_acquire) & kShutSend) != 0)
      return Errno::kEPIPE;
    return Errno::kENOTCONN;
  }
  const std::size_t size = from.remaining();
  if (size + 32 > send_limit.load(std::memory_order_relaxed)) return Errno::kEMSGSIZE;
  if (const Errno pending = take_error(); pending != Errno::kNone) return pending;
  if ((shut.load(std::memory_order_acquire) & kShutSend) != 0) return Errno::kEPIPE;
  if (const Status room = wait_for_send_room(patience); !room) return room.error();
  if ((shut.load(std::memory_order_acquire) & kShutSend) != 0) return Errno::kEPIPE;
  UnixMessage* const message = UnixMessage::create(size);
  if (message == nullptr) return Errno::kENOBUFS;
  const auto fail = [&](Errno why) -> Result<std::size_t> {
    UnixMessage::destroy(message);
    return why;
  };
  if (from.take({message->data(), size}) != size) return fail(Errno::kEFAULT);
  message->length = size;
  attach_control(*message, request.control, true);
  message->sender = Ref<UnixEndpoint>::share(this);
  if (type == kDatagram) {
    const bool is_peer = has_peer(*other);
    if (const Status taken = wait_until_taken(*other, is_peer, patience); !taken)
      return fail(taken.error());
  }
  charged.fetch_add(message->charge(), std::memory_order_relaxed);
  const Status delivered = other->deliver(*message);
  if (!delivered) {
    charged.fetch_sub(message->charge(), std::memory_order_relaxed);
    // A connected datagram socket whose peer has gone is unconnected from now on.
    if (type == kDatagram && delivered.error() == Errno::kECONNREFUSED && to == nullptr)
      set_peer({});
    return fail(delivered.error());
  }
  return size;
}

Result<std::size_t> UnixEndpoint::receive_datagram(IoCursor& to, ReceiveRequest& request,
                                                   Patience patience, bool pass) {
  if (type == kSequencedPacket && stream_peer() == nullptr) return Errno::kENOTCONN;
  if ((request.flags & kMessageOutOfBand) != 0) return Errno::kEOPNOTSUPP;
  const bool peek = (request.flags & kMessagePeek) != 0;
  UnixMessage* message;
  // Held while peeking: nobody takes the message away meanwhile.
  LockGuard reading(reader_);
  for (;;) {
    if (const Errno pending = take_error(); pending != Errno::kNone) return pending;
    message = first();
    if (message != nullptr) break;
    bool end = false;
    reader_.unlock();
    const Status waited = wait_for_message(patience, end);
    reader_.lock();
    if (!waited) return waited.error();
    if (end) return std::size_t{0};
  }
  const std::size_t size = std::min(message->length, to.remaining());
  const std::size_t put = to.put({message->data(), size});
  if (message->length > size) request.result_flags |= kMessageTruncated;
  if (request.from != nullptr) {
    UnixName* const from =
        message->sender ? message->sender->name.load(std::memory_order_acquire) : nullptr;
    if (from != nullptr) *request.from = from->address;
  }
  give_control(*message, request, pass, peek);
  const std::size_t whole = message->length;
  if (!peek) {
    {
      const LockGuard guard(lock_);
      queue_.remove(message);
      bytes_ -= message->length;
      // The order of all: see refuses().
      messages_.fetch_sub(1, std::memory_order_seq_cst);
    }
    drop(message);
    if (!connection_based()) tell_refused();
  }
  if (put < size) return Errno::kEFAULT;
  return (request.flags & kMessageTruncated) != 0 ? whole : size;
}

}  // namespace plumbline::linux_abi
