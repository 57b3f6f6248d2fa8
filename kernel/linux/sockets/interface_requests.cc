#include "linux/sockets/interface_requests.hh"

#include <array>
#include <cstring>
#include <string_view>

#include "linux/sockets/socket_address.hh"
#include "linux/sockets/udp_network.hh"
#include "memory/application_memory.hh"

namespace plumbline::linux_abi {

namespace {

// Linux, include/uapi/linux/sockios.h.
enum Request : std::uint32_t {
  kGetName = 0x8910,
  kGetConfiguration = 0x8912,
  kGetFlags = 0x8913,
  kSetFlags = 0x8914,
  kGetAddress = 0x8915,
  kSetAddress = 0x8916,
  kGetDestination = 0x8917,
  kGetBroadcast = 0x8919,
  kGetNetmask = 0x891b,
  kGetMetric = 0x891d,
  kGetMtu = 0x8921,
  kSetMtu = 0x8922,
  kGetHardwareAddress = 0x8927,
  kGetIndex = 0x8933,
  kGetQueueLength = 0x8942,
};

// IFF_... and ARPHRD_... .
constexpr std::uint16_t kUp = 0x1, kBroadcastValid = 0x2, kLoopback = 0x8, kRunning = 0x40,
                        kMulticast = 0x1000;
constexpr std::uint16_t kEthernetType = 1, kLoopbackType = 772;
constexpr std::int32_t kLoopbackMtu = 65536, kQueueLength = 1000;

// struct ifreq: 16 bytes of name, 24 of what the request is about.
struct InterfaceRequest {
  std::array<char, 16> name;
  std::array<std::byte, 24> value;
};
static_assert(sizeof(InterfaceRequest) == 40);

struct InterfaceDescription {
  std::string_view name;
  std::int32_t index = 0;
  std::uint16_t flags = 0;
  net::Ipv4Prefix address;
  net::MacAddress mac;
  std::int32_t mtu = 0;
  std::uint16_t hardware_type = 0;
};

unsigned interface_count() { return device_network() == nullptr ? 1 : 2; }

InterfaceDescription describe(unsigned number) {
  if (number == 0)
    return {"lo",         kLoopbackIndex, kUp | kLoopback | kRunning, {kLoopbackAddress, 8}, {},
            kLoopbackMtu, kLoopbackType};
  const net::InterfaceConfiguration& device = *device_network();
  return {"eth0",         kDeviceIndex, kUp | kBroadcastValid | kRunning | kMulticast,
          device.address, device.mac,   device.mtu,
          kEthernetType};
}

bool find(std::string_view name, std::int32_t index, InterfaceDescription& found) {
  for (unsigned i = 0; i < interface_count(); ++i) {
    found = describe(i);
    if (name.empty() ? found.index == index : found.name == name) return true;
  }
  return false;
}

void put_address(std::span<std::byte> to, net::Ipv4Address address) {
  SocketAddress socket_address;
  set_internet_address(socket_address, {address, 0});
  std::memcpy(to.data(), socket_address.bytes, kInternetAddressSize);
}

void put_name(InterfaceRequest& request, std::string_view name) {
  request.name = {};
  std::memcpy(request.name.data(), name.data(), name.size());
}

// struct ifconf: room in bytes, and where the array is; 0: only say how much there is.
Result<long> configuration(std::uint64_t argument) {
  struct InterfaceList {
    std::int32_t length;
    std::int32_t padding;
    std::uint64_t array;
  };
  auto list = load_application<InterfaceList>(argument);
  if (!list) return list.error();
  std::int32_t used = 0;
  for (unsigned i = 0; i < interface_count(); ++i) {
    const InterfaceDescription interface = describe(i);
    InterfaceRequest entry{};
    put_name(entry, interface.name);
    put_address(entry.value, interface.address.address);
    if (list->array != 0) {
      if (list->length - used < static_cast<std::int32_t>(sizeof entry)) break;
      if (!store_application(list->array + static_cast<std::uint64_t>(used), entry))
        return Errno::kEFAULT;
    }
    used += static_cast<std::int32_t>(sizeof entry);
  }
  list->length = used;
  if (!store_application(argument, *list)) return Errno::kEFAULT;
  return 0;
}

Status answer(std::uint32_t request, const InterfaceDescription& interface,
              InterfaceRequest& entry) {
  const auto put = [&](auto value) { store_unaligned(entry.value.data(), value); };
  const net::Ipv4Prefix& own = interface.address;
  switch (request) {
    case kGetName:
      put_name(entry, interface.name);
      return {};
    case kGetFlags:
      put(interface.flags);
      return {};
    case kGetAddress:
    case kGetDestination:
      put_address(entry.value, own.address);
      return {};
    case kGetBroadcast:
      put_address(entry.value, (interface.flags & kBroadcastValid) != 0
                                   ? net::Ipv4Address{own.address.value | ~own.mask()}
                                   : net::Ipv4Address{});
      return {};
    case kGetNetmask:
      put_address(entry.value, {own.mask()});
      return {};
    case kGetMetric:
      put(std::int32_t{0});
      return {};
    case kGetMtu:
      put(interface.mtu);
      return {};
    case kGetIndex:
      put(interface.index);
      return {};
    case kGetQueueLength:
      put(kQueueLength);
      return {};
    case kGetHardwareAddress:
      put(interface.hardware_type);
      interface.mac.store(entry.value.data() + sizeof(std::uint16_t));
      return {};
    default:
      return Errno::kENOTTY;
  }
}

}  // namespace

Result<long> interface_request(std::uint32_t request, std::uint64_t argument) {
  switch (request) {
    case kGetConfiguration:
      return configuration(argument);
    case kSetFlags:
    case kSetAddress:
    case kSetMtu:
      return Errno::kEPERM;
    case kGetName:
    case kGetFlags:
    case kGetAddress:
    case kGetDestination:
    case kGetBroadcast:
    case kGetNetmask:
    case kGetMetric:
    case kGetMtu:
    case kGetIndex:
    case kGetQueueLength:
    case kGetHardwareAddress:
      break;
    default:
      return Errno::kENOTTY;
  }
  auto entry = load_application<InterfaceRequest>(argument);
  if (!entry) return entry.error();
  entry->name.back() = 0;
  InterfaceDescription interface;
  const bool known = request == kGetName
                         ? find({}, load_unaligned<std::int32_t>(entry->value.data()), interface)
                         : entry->name[0] != 0 && find(entry->name.data(), 0, interface);
  if (!known) return Errno::kENODEV;
  if (const Status answered = answer(request, interface, *entry); !answered)
    return answered.error();
  if (!store_application(argument, *entry)) return Errno::kEFAULT;
  return 0;
}

}  // namespace plumbline::linux_abi
