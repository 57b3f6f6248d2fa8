// TCP sockets: sending and receiving.
//
// Bytes are copied between the program and the connection with the stack held, so without sleeping:
// where a page is not there the copy stops, the stack is let go, the page is made, and it goes on.
#include <algorithm>

#include "linux/sockets/tcp_socket.hh"
#include "linux/sockets/udp_network.hh"
#include "sync/interruptible_wait.hh"

namespace plumbline::linux_abi {

namespace {

// Bytes copied while a stack is held, about 10 us: others want it, too.
constexpr std::size_t kMostAtOnce = 64 * kKiB;

std::uint32_t piece(const IoCursor& cursor) {
  return static_cast<std::uint32_t>(std::min(cursor.remaining(), kMostAtOnce));
}

}  // namespace

// As Linux, net/ipv4/tcp.c, tcp_sendmsg: an error that waits comes first, then EPIPE.
Errno TcpSocket::why_not_sending() {
  const Errno error = take_error();
  return error == Errno::kNone ? Errno::kEPIPE : error;
}

Result<std::size_t> TcpSocket::send(IoCursor& from, const SendRequest& request) {
  std::size_t sent = 0;
  // Nearly every call: all of it at once, on a connection that takes it.
  if ((request.flags & ~std::uint32_t{kMessageDontWait | kMessageNoSignal}) == 0 &&
      has_ready(kPlain) && from.remaining() <= kMostAtOnce) [[likely]] {
    with_connection([&](net::tcp::Connection& connection, Nanoseconds now) {
      // Somebody may have been quicker.
      if (!has_ready(kPlain)) return;
      sent = connection.send(static_cast<std::uint32_t>(from.remaining()), false, now,
                             [&](std::span<std::byte> to) { return from.take(to); });
      if (!connection.has_send_room()) clear_ready(kPlain);
    });
    if (from.remaining() == 0) [[likely]]
      return sent;
  }
  return send_any(from, request, sent);
}

// The same for everything else, behind `sent` bytes.
[[gnu::noinline]] Result<std::size_t> TcpSocket::send_any(IoCursor& from,
                                                          const SendRequest& request,
                                                          std::size_t sent) {
  // Urgent data never travels: its pointer is obsolete in new programs (RFC 6093 section 5).
  if ((request.flags & kMessageOutOfBand) != 0) return Errno::kEOPNOTSUPP;
  const std::uint32_t flags = waits(request.flags) ? 0 : kMessageDontWait;
  const bool more = (request.flags & kMessageMore) != 0;
  Deadline deadline = Deadline::never();
  bool deadline_known = false;
  for (;;) {
    Errno error = Errno::kNone;
    bool full = false;
    const bool there = with_connection([&](net::tcp::Connection& connection, Nanoseconds now) {
      if (!connection.may_send() || (shut_.load(std::memory_order_relaxed) & kShutSend) != 0) {
        using net::tcp::State;
        const State state = connection.state();
        full = (state == State::kSynSent || state == State::kSynReceived) &&
               connection.error() == Errno::kNone;
        if (!full) error = why_not_sending();
      } else {
        const std::uint32_t length = piece(from);
        const bool last = length == from.remaining();
        const std::uint32_t taken = connection.send(
            length, more || !last, now, [&](std::span<std::byte> to) { return from.take(to); });
        sent += taken;
        full = taken < length && !from.faulted();
        if (!connection.has_send_room()) clear_ready(kPlain);
      }
      if (full) clear_ready(kMayWrite);
    });
    if (!there) error = phase() == Phase::kListening ? Errno::kEPIPE : why_not_sending();
    if (error == Errno::kNone && from.remaining() == 0) [[likely]]
      return sent;
    if (error == Errno::kNone && from.faulted()) {
      if (from.make_present(false)) continue;
      error = Errno::kEFAULT;
    }
    if (error == Errno::kNone && full) {
      if (!deadline_known) {
        deadline = send_deadline();
        deadline_known = true;
      }
      // Room may lie at the device, as an acknowledgement.
      if (receive_from_device()) continue;
      if (const Status waited = wait_for(kMayWrite, writers_, flags, deadline); !waited)
        error = waited.error();
    }
    if (error == Errno::kNone) continue;
    if (sent != 0) return sent;
    return error;
  }
}

Result<std::size_t> TcpSocket::receive(IoCursor& to, ReceiveRequest& request) {
  if (request.from != nullptr) request.from->length = 0;
  std::size_t received = 0;
  std::size_t left = to.remaining();
  // Nearly every call: something waits, and less than there is room for. What is not done here, the
  // loop does.
  if ((request.flags & ~std::uint32_t{kMessageDontWait}) == 0 && has_ready(kPlain | kMayRead) &&
      receive_low_water_ == 1) [[likely]] {
    bool empty = false;
    with_connection([&](net::tcp::Connection& connection, Nanoseconds now) {
      const auto length = static_cast<std::uint32_t>(std::min(left, kMostAtOnce));
      received = connection.read(length, now,
                                 [&](std::span<const std::byte> from) { return to.put(from); });
      empty = connection.readable() == 0;
      if (empty && has_ready(kPlain)) clear_ready(kMayRead);
    });
    left -= received;
    if (left == 0 || (received != 0 && empty && !to.faulted())) [[likely]]
      return received;
  }
  return receive_any(to, request, received);
}

[[gnu::noinline]] Result<std::size_t> TcpSocket::receive_any(IoCursor& to,
                                                             const ReceiveRequest& request,
                                                             std::size_t received) {
  if ((request.flags & kMessageErrorQueue) != 0) return Errno::kEAGAIN;
  if ((request.flags & kMessageOutOfBand) != 0) return Errno::kEINVAL;
  const std::uint32_t flags = waits(request.flags) ? 0 : kMessageDontWait;
  const bool peek = (request.flags & kMessagePeek) != 0;
  // MSG_TRUNC throws the bytes away (tcp(7)).
  const bool discard = (request.flags & kMessageTruncated) != 0;
  std::size_t left = to.remaining();
  const std::size_t wanted = received + left;
  const std::size_t target =
      (request.flags & kMessageWaitAll) != 0
          ? wanted
          : std::min<std::size_t>(wanted, static_cast<std::size_t>(receive_low_water_));
  Deadline deadline = Deadline::never();
  bool deadline_known = false;
  const auto give = [&](std::span<const std::byte> from) {
    return discard ? from.size() : to.put(from);
  };
  for (;;) {
    bool end = false, empty = false;
    Errno error = Errno::kNone;
    const bool there = with_connection([&](net::tcp::Connection& connection, Nanoseconds now) {
      const auto length = static_cast<std::uint32_t>(std::min(left, kMostAtOnce));
      const std::uint32_t taken =
          connection.read(length, now, give, peek, peek ? static_cast<std::uint32_t>(received) : 0);
      received += taken;
      left -= taken;
      if (left == 0) {
        // Without its buffer's end in between, the next look knows that nothing is left.
        if (connection.readable() == 0 && (ready_.load(std::memory_order_relaxed) & kPlain) != 0)
          clear_ready(kMayRead);
        return;
      }
      empty = connection.readable() <= (peek ? received : 0);
      if (!empty) return;
      const auto state = connection.state();
      end = connection.peer_closed() || state == net::tcp::State::kClosed ||
            state == net::tcp::State::kTimeWait ||
            (shut_.load(std::memory_order_relaxed) & kShutReceive) != 0;
      // Only with nothing left: readable data comes before an error.
      if (received == 0 && error_.load(std::memory_order_relaxed) != 0) error = take_error();
      clear_ready(kMayRead);
    });
    if (!there) {
      const Errno pending = take_error();
      return pending != Errno::kNone ? pending : Errno::kENOTCONN;
    }
    if (left == 0 || (received >= target && (empty || to.faulted()))) return received;
    if (to.faulted()) {
      if (to.make_present(true)) continue;
      if (received != 0) return received;
      return Errno::kEFAULT;
    }
    if (!empty) continue;
    if (error == Errno::kNone && end) return received;
    if (error == Errno::kNone) {
      // What lies at the device may be what is wanted.
      if (receive_from_device()) continue;
      if (!deadline_known) {
        deadline = receive_deadline();
        deadline_known = true;
      }
      if (const Status waited = wait_for(kMayRead, readers_, flags, deadline); !waited)
        error = waited.error();
    }
    if (error == Errno::kNone) continue;
    if (received != 0) return received;
    return error;
  }
}

}  // namespace plumbline::linux_abi
