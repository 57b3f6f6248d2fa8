// setsockopt(2) and getsockopt(2): what all families know (socket(7); Linux, net/core/sock.c).
#include <algorithm>

#include "linux/sockets/socket.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {

namespace {

// SO_... (Linux, include/uapi/asm-generic/socket.h).
enum Option : int {
  kDebug = 1,
  kReuseAddress = 2,
  kType = 3,
  kError = 4,
  kDontRoute = 5,
  kBroadcast = 6,
  kSendBuffer = 7,
  kReceiveBuffer = 8,
  kKeepAlive = 9,
  kOutOfBandInline = 10,
  kNoCheck = 11,
  kPriority = 12,
  kLinger = 13,
  kReusePort = 15,
  kPassCredentials = 16,
  kPeerCredentials = 17,
  kReceiveLowWater = 18,
  kSendLowWater = 19,
  kReceiveTimeout = 20,
  kSendTimeout = 21,
  kBindToDevice = 25,
  kAttachFilter = 26,
  kDetachFilter = 27,
  kTimestamp = 29,
  kAcceptConnections = 30,
  kPeerSecurity = 31,
  kSendBufferForce = 32,
  kReceiveBufferForce = 33,
  kMark = 36,
  kProtocol = 38,
  kDomain = 39,
  kBusyPoll = 46,
  kIncomingCpu = 49,
  kIncomingNapi = 56,
  kReceiveTimeoutNew = 66,
  kSendTimeoutNew = 67,
};

struct TimeValue {
  std::int64_t seconds, microseconds;
};
struct Linger {
  std::int32_t on, seconds;
};

// Buffers are given twice of what was asked for, for the overhead (socket(7)).
std::uint32_t buffer_size(int wanted, std::uint32_t least) {
  const auto limited = std::min(static_cast<std::uint32_t>(std::max(wanted, 0)), kMostBuffer);
  // A negative number is as large as it looks unsigned.
  return std::max(2 * (wanted < 0 ? kMostBuffer : limited), least);
}

Status load_timeout(Nanoseconds& timeout, std::uint64_t value, int length) {
  if (length < static_cast<int>(sizeof(TimeValue))) return Errno::kEINVAL;
  const auto time = load_application<TimeValue>(value);
  if (!time) return time.error();
  if (time->microseconds < 0 || time->microseconds >= 1'000'000) return Errno::kEDOM;
  if (time->seconds < 0) {
    // Do not wait at all; 0 would be for ever.
    timeout = nanoseconds(1);
  } else {
    const auto most = static_cast<std::int64_t>(std::uint64_t{1} << 32);
    timeout = seconds(static_cast<std::uint64_t>(std::min(time->seconds, most))) +
              microseconds(static_cast<std::uint64_t>(time->microseconds));
    if (time->seconds >= most) timeout = {};
  }
  return {};
}

TimeValue timeout_value(Nanoseconds timeout) {
  return {static_cast<std::int64_t>(timeout.count / 1'000'000'000),
          static_cast<std::int64_t>(timeout.count % 1'000'000'000 / 1000)};
}

}  // namespace

Result<int> Socket::int_option(std::uint64_t value, int length) {
  if (length < static_cast<int>(sizeof(std::int32_t))) return Errno::kEINVAL;
  const auto number = load_application<std::int32_t>(value);
  if (!number) return number.error();
  return *number;
}

Result<int> Socket::store_option(std::uint64_t to, int room, std::span<const std::byte> bytes) {
  if (room < 0) return Errno::kEINVAL;
  const std::size_t size = std::min(bytes.size(), static_cast<std::size_t>(room));
  if (!is_application_range(to, size) || copy_to_application(to, bytes.data(), size) != size)
    return Errno::kEFAULT;
  return static_cast<int>(size);
}

bool* Socket::flag_option(int name) {
  switch (name) {
    case kDebug:
      return &debug_;
    case kReuseAddress:
      return &reuse_address_;
    case kDontRoute:
      return &dont_route_;
    case kBroadcast:
      return &broadcast_;
    case kKeepAlive:
      return &keep_alive_;
    case kOutOfBandInline:
      return &out_of_band_inline_;
    case kReusePort:
      return &reuse_port_;
    case kPassCredentials:
      return &pass_credentials_;
    case kTimestamp:
      return &timestamp_;
    default:
      return nullptr;
  }
}

std::int32_t* Socket::number_option(int name) {
  switch (name) {
    case kPriority:
      return &priority_;
    case kBusyPoll:
      return &busy_poll_;
    case kMark:
      return &mark_;
    default:
      return nullptr;
  }
}

void Socket::inherit(const Socket& from) {
  receive_buffer_ = from.receive_buffer_;
  send_buffer_ = from.send_buffer_;
  reuse_address_ = from.reuse_address_;
  reuse_port_ = from.reuse_port_;
  keep_alive_ = from.keep_alive_;
  linger_on_ = from.linger_on_;
  linger_seconds_ = from.linger_seconds_;
  receive_low_water_ = from.receive_low_water_;
  receive_timeout_ = from.receive_timeout_;
  send_timeout_ = from.send_timeout_;
  debug_ = from.debug_;
  dont_route_ = from.dont_route_;
  out_of_band_inline_ = from.out_of_band_inline_;
  timestamp_ = from.timestamp_;
  priority_ = from.priority_;
  busy_poll_ = from.busy_poll_;
  mark_ = from.mark_;
}

Status Socket::set_option(int level, int name, std::uint64_t value, int length) {
  if (length < 0) return Errno::kEINVAL;
  return level == kLevelSocket ? set_socket_option(name, value, length)
                               : set_own_option(level, name, value, length);
}

Status Socket::set_socket_option(int name, std::uint64_t value, int length) {
  if (name == kBindToDevice) return Errno::kENODEV;
  const auto number = int_option(value, length);
  if (!number) return number.error();
  if (name == kReusePort && family_ == kFamilyUnix) return Errno::kEOPNOTSUPP;
  if (bool* flag = flag_option(name)) {
    *flag = *number != 0;
    flags_changed();
    return {};
  }
  if (std::int32_t* stored = number_option(name)) {
    *stored = *number;
    return {};
  }
  switch (name) {
    case kSendBuffer:
    case kSendBufferForce:
      send_buffer_ = buffer_size(*number, kLeastSendBuffer);
      buffers_changed(Buffer::kSend);
      return {};
    case kReceiveBuffer:
    case kReceiveBufferForce:
      receive_buffer_ = buffer_size(*number, kLeastReceiveBuffer);
      buffers_changed(Buffer::kReceive);
      return {};
    case kReceiveLowWater:
      receive_low_water_ = *number < 0 ? 0x7fff'ffff : std::max(*number, 1);
      return {};
    case kLinger: {
      if (length < static_cast<int>(sizeof(Linger))) return Errno::kEINVAL;
      const auto linger = load_application<Linger>(value);
      if (!linger) return linger.error();
      linger_on_ = linger->on != 0;
      linger_seconds_ = linger->seconds;
      return {};
    }
    case kReceiveTimeout:
    case kReceiveTimeoutNew:
      return load_timeout(receive_timeout_, value, length);
    case kSendTimeout:
    case kSendTimeoutNew:
      return load_timeout(send_timeout_, value, length);
    case kNoCheck:
    case kDetachFilter:
    case kIncomingCpu:
      return {};
    default:
      // Read-only ones, and what is not known.
      return Errno::kENOPROTOOPT;
  }
}

Result<int> Socket::get_option(int level, int name, std::uint64_t value, int length) {
  if (length < 0) return Errno::kEINVAL;
  return level == kLevelSocket ? get_socket_option(name, value, length)
                               : get_own_option(level, name, value, length);
}

Result<int> Socket::get_socket_option(int name, std::uint64_t value, int length) {
  if (const bool* flag = flag_option(name)) return store_option(value, length, *flag ? 1 : 0);
  if (const std::int32_t* number = number_option(name)) return store_option(value, length, *number);
  const auto store_object = [&](const auto& object) {
    return store_option(value, length, std::as_bytes(std::span(&object, 1)));
  };
  switch (name) {
    case kType:
      return store_option(value, length, type_);
    case kDomain:
      return store_option(value, length, family_);
    case kProtocol:
      return store_option(value, length, protocol_);
    case kError:
      return store_option(value, length, static_cast<int>(take_error()));
    case kSendBuffer:
      return store_option(value, length, static_cast<int>(send_buffer_));
    case kReceiveBuffer:
      return store_option(value, length, static_cast<int>(receive_buffer_));
    case kReceiveLowWater:
      return store_option(value, length, receive_low_water_);
    case kSendLowWater:
      return store_option(value, length, 1);
    case kAcceptConnections:
      return store_option(value, length, accepting() ? 1 : 0);
    case kLinger:
      return store_object(Linger{linger_on_, linger_seconds_});
    case kReceiveTimeout:
    case kReceiveTimeoutNew:
      return store_object(timeout_value(receive_timeout_));
    case kSendTimeout:
    case kSendTimeoutNew:
      return store_object(timeout_value(send_timeout_));
    case kPeerCredentials:
      return store_object(peer_credentials());
    case kNoCheck:
    case kIncomingNapi:
      return store_option(value, length, 0);
    case kIncomingCpu:
      return store_option(value, length, -1);
    default:
      return get_own_option(kLevelSocket, name, value, length);
  }
}

}  // namespace plumbline::linux_abi
