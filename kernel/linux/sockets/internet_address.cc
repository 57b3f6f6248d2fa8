#include "linux/sockets/internet_address.hh"

#include "core/byte_order.hh"

namespace plumbline::linux_abi {

Result<InternetEndpoint> load_endpoint(const SocketAddress& address, int family) {
  if (address.length <
      (family == kFamilyInternet6 ? kLeastInternet6AddressSize : kInternetAddressSize)) {
    return Errno::kEINVAL;
  }
  if (address.family() != family) return Errno::kEAFNOSUPPORT;
  const std::uint16_t port = load_be16(address.bytes + 2);
  if (family == kFamilyInternet)
    return InternetEndpoint{net::IpAddress::load_v4(address.bytes + 4), port};
  InternetEndpoint endpoint{net::IpAddress::load_v6(address.bytes + 8), port};
  if (endpoint.address.is_link_local_v6() && address.length >= kInternet6AddressSize)
    endpoint.scope = load_unaligned<std::uint32_t>(address.bytes + 24);
  return endpoint;
}

void store_endpoint(SocketAddress& address, const InternetEndpoint& endpoint, int family) {
  store_unaligned(address.bytes, static_cast<std::uint16_t>(family));
  store_be16(address.bytes + 2, endpoint.port);
  if (family == kFamilyInternet) {
    store_unaligned(address.bytes + 4, endpoint.address.raw_v4());
    store_unaligned(address.bytes + 8, std::uint64_t{0});
    address.length = kInternetAddressSize;
    return;
  }
  store_unaligned(address.bytes + 4, std::uint32_t{0});
  endpoint.address.store_v6(address.bytes + 8);
  store_unaligned(address.bytes + 24, endpoint.scope);
  address.length = kInternet6AddressSize;
}

}  // namespace plumbline::linux_abi
