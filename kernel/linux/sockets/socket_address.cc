#include "linux/sockets/socket_address.hh"

#include <algorithm>

namespace plumbline::linux_abi {

Status load_any_address(SocketAddress& address, std::uint64_t from, int length) {
  if (length < 0 || static_cast<unsigned>(length) > SocketAddress::kMost) return Errno::kEINVAL;
  const auto size = static_cast<std::size_t>(length);
  if (!is_application_range(from, size) || copy_from_application(address.bytes, from, size) != size)
    return Errno::kEFAULT;
  address.length = size;
  return {};
}

Status store_any_address(const SocketAddress& address, std::uint64_t to, int room) {
  if (room < 0) return Errno::kEINVAL;
  const std::size_t size = std::min(address.length, static_cast<std::size_t>(room));
  if (!is_application_range(to, size) || copy_to_application(to, address.bytes, size) != size)
    return Errno::kEFAULT;
  return {};
}

}  // namespace plumbline::linux_abi
