// Options of UDP sockets (ip(7), udp(7)).
#include "linux/sockets/udp_socket.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {

namespace {

enum IpOption : int {
  kTypeOfService = 1,
  kTimeToLive = 2,
  kPacketInformation = 8,
  kPathMtuDiscovery = 10,
  kReceiveErrors = 11,
  kReceiveTimeToLive = 12,
  kReceiveTypeOfService = 13,
  kPathMtu = 14,
  kFreeBind = 15,
  kMulticastTimeToLive = 33,
  kMulticastLoop = 34,
};
constexpr int kDefaultTimeToLive = 64;
constexpr int kUdpCork = 1;
constexpr int kMostDiscovery = 5;  // IP_PMTUDISC_OMIT

}  // namespace

int* UdpSocket::number_option(int name) {
  switch (name) {
    case kPathMtuDiscovery:
      return &ip_.path_mtu_discovery;
    case kMulticastTimeToLive:
      return &ip_.multicast_time_to_live;
    case kMulticastLoop:
      return &ip_.multicast_loop;
    default:
      return nullptr;
  }
}

bool* UdpSocket::flag_option(int name) {
  switch (name) {
    case kPacketInformation:
      return &ip_.packet_information;
    case kReceiveTimeToLive:
      return &ip_.receive_time_to_live;
    case kReceiveTypeOfService:
      return &ip_.receive_type_of_service;
    case kReceiveErrors:
      return &ip_.receive_errors;
    case kFreeBind:
      return &ip_.free_bind;
    default:
      return nullptr;
  }
}

Status UdpSocket::set_own_option(int level, int name, std::uint64_t value, int length) {
  if (level != kLevelIp) return Errno::kENOPROTOOPT;
  // One byte is as good as an int (Linux, net/ipv4/ip_sockglue.c).
  Result<int> number = 0;
  if (length >= static_cast<int>(sizeof(std::int32_t))) {
    number = int_option(value, length);
  } else if (length >= 1) {
    const auto byte = load_application<std::uint8_t>(value);
    number = byte ? Result<int>(*byte) : Result<int>(byte.error());
  }
  if (!number) return number.error();
  if (bool* flag = flag_option(name)) {
    std::atomic_ref(*flag).store(*number != 0, std::memory_order_relaxed);
    return {};
  }
  if (int* stored = number_option(name)) {
    if (name == kPathMtuDiscovery && (*number < 0 || *number > kMostDiscovery))
      return Errno::kEINVAL;
    std::atomic_ref(*stored).store(*number, std::memory_order_relaxed);
    return {};
  }
  switch (name) {
    case kTypeOfService:
      ip_.send.type_of_service = static_cast<std::uint8_t>(*number);
      return {};
    case kTimeToLive:
      if (*number != -1 && (*number < 1 || *number > 255)) return Errno::kEINVAL;
      ip_.send.time_to_live =
          static_cast<std::uint8_t>(*number == -1 ? kDefaultTimeToLive : *number);
      return {};
    default:
      return Errno::kENOPROTOOPT;
  }
}

Result<int> UdpSocket::get_own_option(int level, int name, std::uint64_t value, int length) {
  if (level == kLevelUdp)
    return name == kUdpCork ? store_option(value, length, 0) : Result<int>(Errno::kENOPROTOOPT);
  if (level == kLevelSocket) return Errno::kENOPROTOOPT;
  if (level != kLevelIp) return Errno::kEOPNOTSUPP;
  const auto store = [&](int number) -> Result<int> {
    // Small numbers fit into a byte, if that is all there is room for.
    if (length >= 1 && length < 4 && number >= 0 && number <= 255) {
      const auto byte = static_cast<std::uint8_t>(number);
      return store_option(value, 1, std::as_bytes(std::span(&byte, 1)));
    }
    return store_option(value, length, number);
  };
  if (const bool* flag = flag_option(name)) return store(*flag ? 1 : 0);
  if (const int* number = number_option(name)) return store(*number);
  switch (name) {
    case kTypeOfService:
      return store(ip_.send.type_of_service);
    case kTimeToLive:
      return store(ip_.send.time_to_live);
    case kPathMtu: {
      const LockGuard one_at_a_time(binding_lock_);
      if (binding.remote.port == 0) return Errno::kENOTCONN;
      constexpr int kLoopbackMtu = 65536;
      const net::InterfaceConfiguration* const device = device_network();
      const bool local = binding.remote.address.is_loopback() || device == nullptr ||
                         binding.remote.address == device->address.address;
      return store(local ? kLoopbackMtu : path_mtu(binding.remote.address));
    }
    default:
      return Errno::kENOPROTOOPT;
  }
}

}  // namespace plumbline::linux_abi
