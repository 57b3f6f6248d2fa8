// Bytes through UNIX sockets: streams, and what they share with datagrams.
#include <algorithm>

#include "linux/sockets/unix_endpoint.hh"
#include "sync/interruptible_wait.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {

// What goes along with the first byte of a send.
void UnixEndpoint::attach_control(UnixMessage& message, const SendControl* control, bool files) {
  if (control == nullptr) {
    message.credentials = current_credentials();
    return;
  }
  message.credentials = control->has_credentials ? control->credentials : current_credentials();
  if (files) message.files = control->files;
}

void UnixEndpoint::set_send_limit(std::size_t bytes) {
  send_limit.store(bytes, std::memory_order_relaxed);
  // A larger one makes room.
  tell_writable();
}

void UnixEndpoint::tell_writable() {
  writers_.wake_all();
  source.notify(kPollOut | kPollWriteNormal | kPollWriteBand);
}

void UnixEndpoint::uncharge(std::size_t bytes) {
  const std::size_t before = charged.fetch_sub(bytes, std::memory_order_acq_rel);
  // Told once there is room for more than a little, or reader and writer would take turns for every
  // message.
  const std::size_t limit = send_limit.load(std::memory_order_relaxed);
  if ((before - bytes) * 4 <= limit && before * 4 > limit) tell_writable();
}

Status UnixEndpoint::wait_for_send_room(Patience patience) {
  if (has_send_room()) return {};
  if (!patience.waits) return Errno::kEAGAIN;
  return finish_wait(wait_interruptibly(
                         writers_,
                         [&] {
                           return has_send_room() ||
                                  (shut.load(std::memory_order_acquire) & kShutSend) != 0;
                         },
                         patience.deadline),
                     patience);
}

Status UnixEndpoint::deliver(UnixMessage& message) {
  {
    const LockGuard guard(lock_);
    if (closed.load(std::memory_order_relaxed))
      return connection_based() ? Errno::kEPIPE : Errno::kECONNREFUSED;
    if ((shut.load(std::memory_order_relaxed) & kShutReceive) != 0) return Errno::kEPIPE;
    queue_.push_back(&message);
    bytes_ += message.length;
    messages_.fetch_add(1, std::memory_order_release);
  }
  tell_readable();
  return {};
}

Result<std::size_t> UnixEndpoint::send_stream(IoCursor& from, const SendRequest& request,
                                              Patience patience) {
  if ((request.flags & kMessageOutOfBand) != 0) return Errno::kEOPNOTSUPP;
  UnixEndpoint* const other = stream_peer();
  if (request.to != nullptr) return other != nullptr ? Errno::kEISCONN : Errno::kEOPNOTSUPP;
  if (other == nullptr) return Errno::kENOTCONN;
  if ((shut.load(std::memory_order_acquire) & kShutSend) != 0) return Errno::kEPIPE;
  std::size_t sent = 0;
  const auto result = [&](Errno why) -> Result<std::size_t> {
    if (sent != 0) return sent;
    return why;
  };
  while (from.remaining() != 0) {
    if (const Status room = wait_for_send_room(patience); !room) return result(room.error());
    if ((shut.load(std::memory_order_acquire) & kShutSend) != 0) return result(Errno::kEPIPE);
    // At least two messages fit into the buffer, so that writer and reader work at the same time.
    const std::size_t half = send_limit.load(std::memory_order_relaxed) / 2 - 64;
    const std::size_t size = std::min({from.remaining(), half, kChunk});
    UnixMessage* const message = UnixMessage::create(size);
    if (message == nullptr) return result(Errno::kENOBUFS);
    message->length = size;
    // As on Linux, a piece whose end cannot be read is not sent at all.
    if (from.take({message->data(), size}) != size) {
      UnixMessage::destroy(message);
      return result(Errno::kEFAULT);
    }
    attach_control(*message, request.control, sent == 0);
    const std::size_t length = message->length;
    charged.fetch_add(message->charge(), std::memory_order_relaxed);
    if (const Status delivered = other->deliver(*message); !delivered) {
      charged.fetch_sub(message->charge(), std::memory_order_relaxed);
      UnixMessage::destroy(message);
      return result(delivered.error());
    }
    sent += length;
  }
  return sent;
}

UnixMessage* UnixEndpoint::first() {
  const LockGuard guard(lock_);
  return queue_.front();
}

// Takes the first message out and forgets it; the reader's lock is held or it was taken already.
void UnixEndpoint::drop(UnixMessage* message) {
  const std::size_t charge = message->charge();
  UnixEndpoint* sender = message->sender ? message->sender.get() : stream_peer();
  if (sender != nullptr) sender->uncharge(charge);
  UnixMessage::destroy(message);
}

bool UnixEndpoint::give_control(UnixMessage& message, ReceiveRequest& request, bool pass,
                                bool peek) {
  if (request.control != nullptr && pass)
    request.control->put_object(kLevelSocket, kControlCredentials, message.credentials);
  if (!message.files) return false;
  // Without room for them the files are lost, as on Linux.
  const Ref<FileBundle> files = peek ? message.files : std::move(message.files);
  if (request.control != nullptr)
    request.control->put_files(files->files(), (request.flags & kMessageCloseOnExec) != 0);
  else
    request.result_flags |= kMessageControlTruncated;
  return true;
}

Status UnixEndpoint::wait_for_message(Patience patience, bool& end) {
  end = false;
  for (;;) {
    if (messages_.load(std::memory_order_acquire) != 0) return {};
    if (const Errno pending = take_error(); pending != Errno::kNone) return pending;
    if ((shut.load(std::memory_order_acquire) & kShutReceive) != 0) {
      // A last message may have come just before.
      if (messages_.load(std::memory_order_acquire) != 0) return {};
      if (type == kDatagram && !patience.waits) return Errno::kEAGAIN;
      end = true;
      return {};
    }
    if (!patience.waits) return Errno::kEAGAIN;
    const Status waited =
        finish_wait(wait_interruptibly(
                        readers_,
                        [&] {
                          return messages_.load(std::memory_order_acquire) != 0 ||
                                 error.load(std::memory_order_relaxed) != 0 ||
                                 (shut.load(std::memory_order_acquire) & kShutReceive) != 0;
                        },
                        patience.deadline),
                    patience);
    if (!waited) return waited;
  }
}

Result<std::size_t> UnixEndpoint::receive_stream(IoCursor& to, ReceiveRequest& request,
                                                 Patience patience, bool pass) {
  if (stream_peer() == nullptr) return Errno::kEINVAL;
  if ((request.flags & kMessageOutOfBand) != 0) return Errno::kEINVAL;
  const bool peek = (request.flags & kMessagePeek) != 0;
  const bool all = (request.flags & kMessageWaitAll) != 0 && !peek;
  std::size_t copied = 0;
  bool first_piece = true;
  ProcessCredentials of;
  LockGuard reading(reader_);
  UnixMessage* message = nullptr;
  for (;;) {
    if (message == nullptr) message = first();
    if (message == nullptr) {
      if (copied != 0 && (!all || to.remaining() == 0)) return copied;
      bool end = false;
      reader_.unlock();
      const Status waited = wait_for_message(patience, end);
      reader_.lock();
      if (!waited) {
        if (copied != 0) return copied;
        return waited.error();
      }
      if (end) return copied;
      continue;
    }
    // Bytes of several senders are not mixed where somebody looks at who they are.
    if (!first_piece && pass && message->credentials != of) return copied;
    const std::size_t size = std::min(message->left(), to.remaining());
    // As on Linux, a piece that cannot be stored whole stays where it is.
    if (to.put({message->data() + message->consumed, size}) != size) {
      if (copied != 0) return copied;
      return Errno::kEFAULT;
    }
    copied += size;
    bool stop = false;
    if (first_piece || message->files) {
      // A read ends with the message whose descriptors it gave.
      stop |= give_control(*message, request, pass && first_piece, peek);
      of = message->credentials;
      first_piece = false;
    }
    if (peek) {
      if (stop || to.remaining() == 0) return copied;
      const LockGuard guard(lock_);
      message = queue_.next(message);
      if (message == nullptr) return copied;
      continue;
    }
    bool used_up;
    {
      const LockGuard guard(lock_);
      message->consumed += size;
      bytes_ -= size;
      used_up = message->left() == 0;
      if (used_up) {
        queue_.remove(message);
        messages_.fetch_sub(1, std::memory_order_relaxed);
      }
    }
    if (used_up) drop(message);
    message = nullptr;
    if (stop || to.remaining() == 0) return copied;
  }
}

}  // namespace plumbline::linux_abi
