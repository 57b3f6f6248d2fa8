// Options of TCP sockets (tcp(7), ip(7), ipv6(7)).
#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "linux/sockets/tcp_information.hh"
#include "linux/sockets/tcp_socket.hh"
#include "memory/application_memory.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {

namespace {

// TCP_... (Linux, include/uapi/linux/tcp.h).
enum TcpOption : int {
  kNoDelay = 1,
  kMaximumSegment = 2,
  kCork = 3,
  kKeepIdle = 4,
  kKeepInterval = 5,
  kKeepCount = 6,
  kSynCount = 7,
  kLinger2 = 8,
  kDeferAccept = 9,
  kWindowClamp = 10,
  kInformation = 11,
  kQuickAcknowledgement = 12,
  kCongestion = 13,
  kUserTimeout = 18,
  kFastOpen = 23,
  kNotSentLow = 25,
};
// IP_... and IPV6_... .
enum IpOption : int {
  kTypeOfService = 1,
  kTimeToLive = 2,
  kPacketInformation = 8,
  kPathMtuDiscovery = 10,
  kReceiveErrors = 11,
  kPathMtu = 14,
  kFreeBind = 15,
  kIpv6UnicastHops = 16,
  kIpv6MulticastHops = 18,
  kIpv6PathMtuDiscovery = 23,
  kIpv6V6Only = 26,
  kIpv6ReceivePacketInformation = 49,
  kIpv6TrafficClass = 67,
};
constexpr int kDefaultHopLimit = 64;
constexpr int kMostKeepIdle = 32767, kMostKeepCount = 127, kMostSynCount = 127;  // MAX_TCP_...
constexpr int kLeastSegment = 88, kMostSegment = 32767;  // TCP_MIN_MSS, MAX_TCP_WINDOW
constexpr std::size_t kMostName = 16;                    // TCP_CA_NAME_MAX

std::string_view congestion_name(net::tcp::CongestionAlgorithm algorithm) {
  return algorithm == net::tcp::CongestionAlgorithm::kCubic ? "cubic" : "reno";
}

}  // namespace

template <typename Change>
Status TcpSocket::change(Change apply) {
  with_connection(
      [&](net::tcp::Connection& connection, Nanoseconds now) { apply(connection, now); });
  return {};
}

// All of it, for a connection that is new.
void TcpSocket::configure(net::tcp::Connection& connection, Nanoseconds now) const {
  if (options_.no_delay) connection.set_no_delay(true, now);
  if (options_.cork) connection.set_cork(true, now);
  if (options_.keepalive.on) connection.set_keepalive(options_.keepalive, now);
  if (options_.user_timeout != 0) connection.set_user_timeout(options_.user_timeout);
  if (options_.maximum_segment != 0) connection.set_maximum_segment(options_.maximum_segment);
  if (options_.traffic_class != 0) connection.set_traffic_class(options_.traffic_class);
  if (options_.hop_limit != kDefaultHopLimit) connection.set_hop_limit(options_.hop_limit);
  if (options_.receive_buffer_set) connection.set_receive_buffer(receive_buffer_);
  if (options_.send_buffer_set) connection.set_send_buffer(send_buffer_);
  if (options_.congestion != net::tcp::CongestionAlgorithm::kCubic)
    connection.set_congestion_control(options_.congestion);
}

void TcpSocket::buffers_changed(Buffer which) {
  if (which == Buffer::kReceive)
    options_.receive_buffer_set = true;
  else
    options_.send_buffer_set = true;
  with_connection([&](net::tcp::Connection& connection, Nanoseconds) {
    if (which == Buffer::kReceive)
      connection.set_receive_buffer(receive_buffer_);
    else
      connection.set_send_buffer(send_buffer_);
    clear_ready(kPlain);
  });
}

void TcpSocket::flags_changed() {
  if (name_.entered) change_tcp_name(name_, reuse_address_, reuse_port_);
  if (options_.keepalive.on == keep_alive_) return;
  options_.keepalive.on = keep_alive_;
  with_connection([&](net::tcp::Connection& connection, Nanoseconds now) {
    connection.set_keepalive(options_.keepalive, now);
  });
}

Status TcpSocket::set_own_option(int level, int name, std::uint64_t value, int length) {
  if (level == kLevelTcp) return set_tcp_option(name, value, length);
  if (level != kLevelIp && (level != kLevelIpv6 || family() != kFamilyInternet6))
    return Errno::kENOPROTOOPT;
  // One byte is as good as an int for options of IPv4 (Linux, net/ipv4/ip_sockglue.c).
  Result<int> number = 0;
  if (level == kLevelIpv6 || length >= static_cast<int>(sizeof(std::int32_t))) {
    number = int_option(value, length);
  } else if (length >= 1) {
    const auto byte = load_application<std::uint8_t>(value);
    number = byte ? Result<int>(*byte) : Result<int>(byte.error());
  }
  if (!number) return number.error();
  return set_ip_option(level, name, *number);
}

Status TcpSocket::set_ip_option(int level, int name, int number) {
  const auto set_class = [&](int value) -> Status {
    if (value < -1 || value > 255) return Errno::kEINVAL;
    options_.traffic_class = static_cast<std::uint8_t>(std::max(value, 0));
    return change([&](net::tcp::Connection& connection, Nanoseconds) {
      connection.set_traffic_class(options_.traffic_class);
    });
  };
  const auto set_hops = [&](int value, int least) -> Status {
    if (value != -1 && (value < least || value > 255)) return Errno::kEINVAL;
    options_.hop_limit = static_cast<std::uint8_t>(value == -1 ? kDefaultHopLimit : value);
    return change([&](net::tcp::Connection& connection, Nanoseconds) {
      connection.set_hop_limit(options_.hop_limit);
    });
  };
  if (level == kLevelIp) {
    switch (name) {
      case kTypeOfService:
        return set_class(number & 255);
      case kTimeToLive:
        return set_hops(number, 1);
      case kFreeBind:
        options_.free_bind = number != 0;
        return {};
      case kReceiveErrors:
        options_.receive_errors = number != 0;
        return {};
      case kPacketInformation:
        options_.packet_information = number != 0;
        return {};
      case kPathMtuDiscovery:
        // TCP always finds the path's MTU out.
        return number >= 0 && number <= 5 ? Status() : Errno::kEINVAL;
      default:
        return Errno::kENOPROTOOPT;
    }
  }
  switch (name) {
    case kIpv6V6Only: {
      const LockGuard one_at_a_time(changing_);
      if (name_.entered || phase() != Phase::kIdle) return Errno::kEINVAL;
      options_.v6_only = number != 0;
      return {};
    }
    case kIpv6TrafficClass:
      return set_class(number);
    case kIpv6UnicastHops:
      return set_hops(number, 0);
    case kIpv6MulticastHops:
      return number >= -1 && number <= 255 ? Status() : Errno::kEINVAL;
    case kIpv6ReceivePacketInformation:
      options_.packet_information = number != 0;
      return {};
    case kIpv6PathMtuDiscovery:
      return number >= 0 && number <= 5 ? Status() : Errno::kEINVAL;
    default:
      return Errno::kENOPROTOOPT;
  }
}

Status TcpSocket::set_congestion(std::uint64_t value, int length) {
  if (length < 1) return Errno::kEINVAL;
  std::array<char, kMostName> text{};
  const std::size_t size = std::min(static_cast<std::size_t>(length), kMostName - 1);
  if (!is_application_range(value, size) || copy_from_application(text.data(), value, size) != size)
    return Errno::kEFAULT;
  const std::string_view name(text.data());
  if (name == "cubic")
    options_.congestion = net::tcp::CongestionAlgorithm::kCubic;
  else if (name == "reno")
    options_.congestion = net::tcp::CongestionAlgorithm::kReno;
  else
    return Errno::kENOENT;
  return change([&](net::tcp::Connection& connection, Nanoseconds) {
    connection.set_congestion_control(options_.congestion);
  });
}

Status TcpSocket::set_tcp_option(int name, std::uint64_t value, int length) {
  if (name == kCongestion) return set_congestion(value, length);
  const Result<int> given = int_option(value, length);
  if (!given) return given.error();
  const int number = *given;
  const auto set_keepalive = [&](auto& field, int most) -> Status {
    if (number < 1 || number > most) return Errno::kEINVAL;
    field = static_cast<std::remove_reference_t<decltype(field)>>(number);
    return change([&](net::tcp::Connection& connection, Nanoseconds now) {
      connection.set_keepalive(options_.keepalive, now);
    });
  };
  switch (name) {
    case kNoDelay:
      options_.no_delay = number != 0;
      return change([&](net::tcp::Connection& connection, Nanoseconds now) {
        connection.set_no_delay(options_.no_delay, now);
      });
    case kCork:
      options_.cork = number != 0;
      return change([&](net::tcp::Connection& connection, Nanoseconds now) {
        connection.set_cork(options_.cork, now);
      });
    case kQuickAcknowledgement:
      options_.quick_acknowledgement = (number & 1) != 0;
      return change([&](net::tcp::Connection& connection, Nanoseconds now) {
        connection.set_quick_acknowledgement(options_.quick_acknowledgement, now);
      });
    case kMaximumSegment:
      if (number != 0 && (number < kLeastSegment || number > kMostSegment)) return Errno::kEINVAL;
      options_.maximum_segment = static_cast<std::uint16_t>(number);
      return change([&](net::tcp::Connection& connection, Nanoseconds) {
        connection.set_maximum_segment(options_.maximum_segment);
      });
    case kKeepIdle:
      return set_keepalive(options_.keepalive.idle_seconds, kMostKeepIdle);
    case kKeepInterval:
      return set_keepalive(options_.keepalive.interval_seconds, kMostKeepIdle);
    case kKeepCount:
      return set_keepalive(options_.keepalive.probes, kMostKeepCount);
    case kUserTimeout:
      if (number < 0) return Errno::kEINVAL;
      options_.user_timeout = static_cast<std::uint32_t>(number);
      return change([&](net::tcp::Connection& connection, Nanoseconds) {
        connection.set_user_timeout(options_.user_timeout);
      });
    case kSynCount:
      if (number < 1 || number > kMostSynCount) return Errno::kEINVAL;
      options_.syn_count = number;
      return {};
    case kLinger2:
      options_.linger2 = number;
      return {};
    case kDeferAccept:
      options_.defer_accept = std::max(number, 0);
      return {};
    case kWindowClamp:
      options_.window_clamp = std::max(number, 0);
      return {};
    case kFastOpen:
      options_.fast_open = std::max(number, 0);
      return {};
    case kNotSentLow:
      options_.not_sent_low = number;
      return {};
    default:
      return Errno::kENOPROTOOPT;
  }
}

Result<int> TcpSocket::get_own_option(int level, int name, std::uint64_t value, int length) {
  if (level == kLevelTcp) return get_tcp_option(name, value, length);
  if (level == kLevelSocket) return Errno::kENOPROTOOPT;
  if (level != kLevelIp && (level != kLevelIpv6 || family() != kFamilyInternet6))
    return Errno::kEOPNOTSUPP;
  return get_ip_option(level, name, value, length);
}

Result<int> TcpSocket::get_ip_option(int level, int name, std::uint64_t value, int length) {
  const auto store = [&](int number) -> Result<int> {
    // Small numbers of IPv4 fit into a byte, if that is all there is room for.
    if (level == kLevelIp && length >= 1 && length < 4 && number >= 0 && number <= 255) {
      const auto byte = static_cast<std::uint8_t>(number);
      return store_option(value, 1, std::as_bytes(std::span(&byte, 1)));
    }
    return store_option(value, length, number);
  };
  if (level == kLevelIp) {
    switch (name) {
      case kTypeOfService:
        return store(options_.traffic_class);
      case kTimeToLive:
        return store(options_.hop_limit);
      case kFreeBind:
        return store(options_.free_bind ? 1 : 0);
      case kReceiveErrors:
        return store(options_.receive_errors ? 1 : 0);
      case kPacketInformation:
        return store(options_.packet_information ? 1 : 0);
      case kPathMtuDiscovery:
        return store(1);
      case kPathMtu: {
        std::uint32_t mtu = 0;
        const bool there = with_connection([&](net::tcp::Connection& connection, Nanoseconds now) {
          mtu = connection.information(now).path_mtu;
        });
        return there ? store(static_cast<int>(mtu)) : Result<int>(Errno::kENOTCONN);
      }
      default:
        return Errno::kENOPROTOOPT;
    }
  }
  switch (name) {
    case kIpv6V6Only:
      return store(options_.v6_only ? 1 : 0);
    case kIpv6TrafficClass:
      return store(options_.traffic_class);
    case kIpv6UnicastHops:
      return store(options_.hop_limit);
    case kIpv6MulticastHops:
      return store(1);
    case kIpv6ReceivePacketInformation:
      return store(options_.packet_information ? 1 : 0);
    case kIpv6PathMtuDiscovery:
      return store(1);
    default:
      return Errno::kENOPROTOOPT;
  }
}

Result<int> TcpSocket::get_information(std::uint64_t value, int length) {
  TcpInformation information{};
  with_connection([&](net::tcp::Connection& connection, Nanoseconds now) {
    information = describe_connection(connection.information(now));
  });
  if (phase() == Phase::kListening)
    information = describe_listener(listener_->queued(), listener_->backlog());
  else if (information.state == 0)
    information.state = static_cast<std::uint8_t>(net::tcp::State::kClosed);
  return store_option(value, length, std::as_bytes(std::span(&information, 1)));
}

Result<int> TcpSocket::get_tcp_option(int name, std::uint64_t value, int length) {
  const auto or_default = [](int number, int otherwise) {
    return number != 0 ? number : otherwise;
  };
  switch (name) {
    case kNoDelay:
      return store_option(value, length, options_.no_delay ? 1 : 0);
    case kCork:
      return store_option(value, length, options_.cork ? 1 : 0);
    case kMaximumSegment: {
      // Before there is a connection: what was asked for, or 536 (RFC 9293 section 3.7.1).
      int segment = or_default(options_.maximum_segment, 536);
      with_connection([&](net::tcp::Connection& connection, Nanoseconds now) {
        segment = static_cast<int>(connection.information(now).send_segment);
      });
      return store_option(value, length, segment);
    }
    case kKeepIdle:
      return store_option(value, length, or_default(options_.keepalive.idle_seconds, 7200));
    case kKeepInterval:
      return store_option(value, length, or_default(options_.keepalive.interval_seconds, 75));
    case kKeepCount:
      return store_option(value, length, or_default(options_.keepalive.probes, 9));
    case kSynCount:
      return store_option(value, length, options_.syn_count);
    case kLinger2:
      return store_option(value, length, options_.linger2);
    case kDeferAccept:
      return store_option(value, length, options_.defer_accept);
    case kWindowClamp:
      return store_option(value, length, options_.window_clamp);
    case kInformation:
      return get_information(value, length);
    case kQuickAcknowledgement: {
      bool quick = options_.quick_acknowledgement;
      with_connection([&](net::tcp::Connection& connection, Nanoseconds) {
        quick = connection.quick_acknowledgement();
      });
      return store_option(value, length, quick ? 1 : 0);
    }
    case kCongestion: {
      std::array<char, kMostName> text{};
      const std::string_view congestion = congestion_name(options_.congestion);
      std::memcpy(text.data(), congestion.data(), congestion.size());
      return store_option(value, length, std::as_bytes(std::span(text)));
    }
    case kUserTimeout:
      return store_option(value, length, static_cast<int>(options_.user_timeout));
    case kFastOpen:
      return store_option(value, length, options_.fast_open);
    case kNotSentLow:
      return store_option(value, length, options_.not_sent_low);
    default:
      return Errno::kENOPROTOOPT;
  }
}

Result<long> TcpSocket::ioctl(std::uint32_t request, std::uint64_t argument) {
  constexpr std::uint32_t kAtMark = 0x8905, kUnsent = 0x894b;  // SIOCATMARK, SIOCOUTQNSD
  if (request == kAtMark) {
    // There is no mark: urgent bytes are in the stream like all others.
    if (const Status stored = store_application(argument, std::int32_t{0}); !stored)
      return stored.error();
    return 0L;
  }
  if (request == kUnsent) {
    if (phase() == Phase::kListening) return Errno::kEINVAL;
    std::int32_t bytes = 0;
    with_connection([&](net::tcp::Connection& connection, Nanoseconds) {
      bytes = static_cast<std::int32_t>(connection.unsent());
    });
    if (const Status stored = store_application(argument, bytes); !stored) return stored.error();
    return 0L;
  }
  return Socket::ioctl(request, argument);
}

}  // namespace plumbline::linux_abi
