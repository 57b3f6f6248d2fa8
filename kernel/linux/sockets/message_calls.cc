// The calls that send and receive (send(2), recv(2), sendmmsg(2), recvmmsg(2)).
#include <asm/unistd_64.h>

#include <algorithm>
#include <array>
#include <new>

#include "core/clock.hh"
#include "linux/call.hh"
#include "linux/sockets/control_buffer.hh"
#include "linux/sockets/socket_of.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {

namespace {

constexpr std::size_t kMostSegments = 1024;             // UIO_MAXIOV
constexpr std::size_t kMostBytes = 0x7fff'f000;         // MAX_RW_COUNT
constexpr std::uint32_t kMessageCompatible = 1u << 31;  // MSG_CMSG_COMPAT: 32-bit programs

// struct msghdr.
struct MessageHeader {
  std::uint64_t name;
  std::int32_t name_length;
  std::uint32_t padding;
  std::uint64_t segments;
  std::uint64_t segment_count;
  std::uint64_t control;
  std::uint64_t control_length;
  std::uint32_t flags;
  std::uint32_t padding_at_end;
};
static_assert(sizeof(MessageHeader) == 56);
// struct mmsghdr.
constexpr std::uint64_t kMultipleSize = 64, kMultipleLengthAt = 56;

// Into place: the header of every message goes through here.
[[gnu::always_inline]] inline bool load_header(MessageHeader& header, std::uint64_t at) {
  return is_application_range(at, sizeof header) && load_words<sizeof header>(&header, at);
}

// The program's struct iovec, checked.
class Segments {
 public:
  Segments() = default;
  ~Segments() {
    if (segments_ != few_.data()) delete[] segments_;
  }
  Segments(const Segments&) = delete;
  Segments& operator=(const Segments&) = delete;

  [[gnu::always_inline]] Status load(std::uint64_t at, std::uint64_t count) {
    if (count > kMostSegments) return Errno::kEMSGSIZE;
    count_ = count;
    if (count > few_.size()) {
      segments_ = new (std::nothrow) IoSegment[count];
      if (segments_ == nullptr) {
        segments_ = few_.data();
        return Errno::kENOMEM;
      }
    }
    if (!is_application_range(at, count * sizeof(IoSegment))) return Errno::kEFAULT;
    std::size_t total = 0;
    for (IoSegment& segment : std::span(segments_, count)) {
      std::uint64_t address, length;
      if (!load_word(address, at) || !load_word(length, at + 8)) return Errno::kEFAULT;
      at += sizeof(IoSegment);
      if (address >= kApplicationEnd || length > kApplicationEnd - address) [[unlikely]] {
        if (length >> 63 != 0) return Errno::kEINVAL;
        if (length != 0) return Errno::kEFAULT;
      }
      segment.address = address;
      segment.length = length;
      total += length;
    }
    if (total > kMostBytes) [[unlikely]]
      total = shorten();
    total_ = total;
    return {};
  }
  IoCursor cursor() const { return {{segments_, count_}, total_}; }

 private:
  // Leaves the first kMostBytes.
  std::size_t shorten() {
    std::size_t total = 0;
    for (IoSegment& segment : std::span(segments_, count_)) {
      segment.length = std::min(segment.length, kMostBytes - total);
      total += segment.length;
    }
    return total;
  }

  static_assert(sizeof(IoSegment) == 16);  // as struct iovec
  std::array<IoSegment, 8> few_;
  IoSegment* segments_ = few_.data();
  std::size_t count_ = 0;
  std::size_t total_ = 0;
};

Result<std::size_t> finish_send(const Socket& socket, Result<std::size_t> sent,
                                std::uint32_t flags) {
  if (!sent && sent.error() == Errno::kEPIPE && socket.type() == kStream &&
      (flags & kMessageNoSignal) == 0)
    raise_broken_pipe();
  return sent;
}

Result<std::size_t> call_sendto(int descriptor, std::uint64_t data, std::size_t length,
                                std::uint32_t flags, std::uint64_t address_at, int address_length) {
  length = std::min(length, kMostBytes);
  if (!is_application_range(data, length)) return Errno::kEFAULT;
  const SocketReference socket(descriptor);
  if (!socket) return socket.error();
  SocketAddress address;
  SendRequest request{.flags = flags};
  if (address_at != 0) {
    if (const Status loaded = load_address(address, address_at, address_length); !loaded)
      return loaded.error();
    request.to = &address;
  }
  IoCursor cursor(data, length);
  return finish_send(*socket, socket->send(cursor, request), flags);
}
LINUX_CALL(__NR_sendto, sendto, call_sendto);

Result<std::size_t> call_recvfrom(int descriptor, std::uint64_t data, std::size_t length,
                                  std::uint32_t flags, std::uint64_t address_at,
                                  std::uint64_t length_at) {
  length = std::min(length, kMostBytes);
  if (!is_application_range(data, length)) return Errno::kEFAULT;
  const SocketReference socket(descriptor);
  if (!socket) return socket.error();
  SocketAddress from;
  ReceiveRequest request;
  request.flags = flags;
  if (address_at != 0) request.from = &from;
  IoCursor cursor(data, length);
  const Result<std::size_t> received = socket->receive(cursor, request);
  if (!received || address_at == 0) return received;
  if (const Status stored = store_address(from, address_at, length_at); !stored)
    return stored.error();
  return received;
}
LINUX_CALL(__NR_recvfrom, recvfrom, call_recvfrom);

Result<std::size_t> send_message(Socket& socket, const MessageHeader& header, std::uint32_t flags) {
  SendRequest request{.flags = flags};
  SocketAddress address;
  if (header.name != 0 && header.name_length != 0) {
    const int length = std::min(header.name_length, static_cast<int>(SocketAddress::kMost));
    if (const Status loaded = load_address(address, header.name, length); !loaded)
      return loaded.error();
    request.to = &address;
  }
  Segments segments;
  if (const Status loaded = segments.load(header.segments, header.segment_count); !loaded)
    return loaded.error();
  IoCursor cursor = segments.cursor();
  if (header.control_length == 0) return finish_send(socket, socket.send(cursor, request), flags);
  SendControl control;
  const Status understood = load_control(control, socket, header.control, header.control_length);
  if (!understood) return understood.error();
  request.control = &control;
  return finish_send(socket, socket.send(cursor, request), flags);
}

[[gnu::cold, gnu::noinline]] Result<std::size_t> send_message(Socket& socket,
                                                              std::uint64_t message_at,
                                                              std::uint32_t flags) {
  MessageHeader header;
  if (!load_header(header, message_at)) return Errno::kEFAULT;
  return send_message(socket, header, flags);
}

// The bytes sent, or below 0 where send_message() is the way. In line: for sendmsg, which most
// servers call for every answer.
[[gnu::always_inline]] inline std::ptrdiff_t send_message_at_once(Socket& socket,
                                                                  std::uint64_t message_at,
                                                                  std::uint32_t flags) {
  MessageHeader header;
  if (!load_header(header, message_at) || header.control_length != 0 ||
      header.segment_count > kMostSegments ||
      !is_application_range(header.segments, header.segment_count * sizeof(IoSegment)))
    return -1;
  return socket.send_at_once({header.name_length != 0 ? header.name : 0, header.name_length,
                              header.segments, header.segment_count},
                             flags);
}

Result<std::size_t> call_sendmsg(int descriptor, std::uint64_t message, std::uint32_t flags) {
  if ((flags & kMessageCompatible) != 0) return Errno::kEINVAL;
  const SocketReference socket(descriptor);
  if (!socket) return socket.error();
  if (const std::ptrdiff_t sent = send_message_at_once(*socket, message, flags); sent >= 0)
      [[likely]]
    return static_cast<std::size_t>(sent);
  return send_message(*socket, message, flags);
}
LINUX_CALL(__NR_sendmsg, sendmsg, call_sendmsg);

Result<std::size_t> receive_message(Socket& socket, std::uint64_t message_at, std::uint32_t flags) {
  MessageHeader header;
  if (!load_header(header, message_at)) return Errno::kEFAULT;
  if (header.name != 0 && header.name_length < 0) return Errno::kEINVAL;
  Segments segments;
  if (const Status loaded = segments.load(header.segments, header.segment_count); !loaded)
    return loaded.error();
  IoCursor cursor = segments.cursor();
  SocketAddress from;
  ControlWriter control(header.control, header.control == 0 ? 0 : header.control_length);
  ReceiveRequest request;
  request.flags = flags;
  request.control = &control;
  if (header.name != 0) request.from = &from;
  const Result<std::size_t> received = socket.receive(cursor, request);
  if (!received) return received;
  if (header.name != 0) {
    if (const Status stored = store_address_bytes(from, header.name, header.name_length); !stored)
      return stored.error();
    if (!store_application(message_at + offsetof(MessageHeader, name_length),
                           static_cast<std::int32_t>(from.length)))
      return Errno::kEFAULT;
  }
  std::uint32_t result_flags = request.result_flags | (flags & kMessageCloseOnExec);
  if (control.truncated()) result_flags |= kMessageControlTruncated;
  if (!store_application(message_at + offsetof(MessageHeader, flags), result_flags) ||
      !store_application(message_at + offsetof(MessageHeader, control_length),
                         std::uint64_t{control.used()}))
    return Errno::kEFAULT;
  return received;
}

Result<std::size_t> call_recvmsg(int descriptor, std::uint64_t message, std::uint32_t flags) {
  if ((flags & kMessageCompatible) != 0) return Errno::kEINVAL;
  const SocketReference socket(descriptor);
  if (!socket) return socket.error();
  return receive_message(*socket, message, flags);
}
LINUX_CALL(__NR_recvmsg, recvmsg, call_recvmsg);

// Carries out `one` for up to `count` struct mmsghdr; how many succeeded, or the first's error.
template <typename One, typename Stop>
Result<std::size_t> for_each_message(std::uint64_t messages, unsigned count, One one, Stop stop) {
  count = std::min(count, static_cast<unsigned>(kMostSegments));
  std::size_t done = 0;
  while (done < count) {
    const std::uint64_t at = messages + done * kMultipleSize;
    const Result<std::size_t> result = one(at, done);
    const auto fail = [&](Errno error) -> Result<std::size_t> {
      if (done != 0) return done;
      return error;
    };
    if (!result) return fail(result.error());
    if (!store_application(at + kMultipleLengthAt, static_cast<std::uint32_t>(*result)))
      return fail(Errno::kEFAULT);
    ++done;
    if (stop()) break;
  }
  return done;
}

Result<std::size_t> call_sendmmsg(int descriptor, std::uint64_t messages, unsigned count,
                                  std::uint32_t flags) {
  if ((flags & kMessageCompatible) != 0) return Errno::kEINVAL;
  const SocketReference socket(descriptor);
  if (!socket) return socket.error();
  return for_each_message(
      messages, count,
      [&](std::uint64_t at, std::size_t) -> Result<std::size_t> {
        const std::ptrdiff_t sent = send_message_at_once(*socket, at, flags);
        return sent >= 0 ? Result<std::size_t>(static_cast<std::size_t>(sent))
                         : send_message(*socket, at, flags);
      },
      [] { return false; });
}
LINUX_CALL(__NR_sendmmsg, sendmmsg, call_sendmmsg);

struct TimeSpecification {
  std::int64_t seconds, nanoseconds;
};

Result<std::size_t> call_recvmmsg(int descriptor, std::uint64_t messages, unsigned count,
                                  std::uint32_t flags, std::uint64_t timeout_at) {
  if ((flags & kMessageCompatible) != 0) return Errno::kEINVAL;
  Deadline deadline = Deadline::never();
  if (timeout_at != 0) {
    const auto timeout = load_application<TimeSpecification>(timeout_at);
    if (!timeout) return timeout.error();
    if (timeout->seconds < 0 || timeout->nanoseconds < 0 || timeout->nanoseconds >= 1'000'000'000)
      return Errno::kEINVAL;
    const auto whole = std::min(timeout->seconds, std::int64_t{1} << 32);
    deadline = Deadline::after(seconds(static_cast<std::uint64_t>(whole)) +
                               nanoseconds(static_cast<std::uint64_t>(timeout->nanoseconds)));
  }
  const SocketReference socket(descriptor);
  if (!socket) return socket.error();
  const auto received = for_each_message(
      messages, count,
      [&](std::uint64_t at, std::size_t done) {
        const bool no_more_waiting = done != 0 && (flags & kMessageWaitForOne) != 0;
        return receive_message(
            *socket, at, (flags & ~kMessageWaitForOne) | (no_more_waiting ? kMessageDontWait : 0));
      },
      // As Linux does it: the time is looked at between messages only.
      [&] { return deadline.passed(); });
  if (received && timeout_at != 0) {
    const Nanoseconds now = monotonic_now();
    const std::uint64_t left = deadline.at > now ? (deadline.at - now).count : 0;
    const TimeSpecification rest{static_cast<std::int64_t>(left / 1'000'000'000),
                                 static_cast<std::int64_t>(left % 1'000'000'000)};
    if (!store_application(timeout_at, rest)) return Errno::kEFAULT;
  }
  return received;
}
LINUX_CALL(__NR_recvmmsg, recvmmsg, call_recvmmsg);

}  // namespace

}  // namespace plumbline::linux_abi
