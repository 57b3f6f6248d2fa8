#include "linux/sockets/socket_address.hh"

#include <algorithm>

#include "memory/application_memory.hh"

namespace plumbline::linux_abi {

Status load_address(SocketAddress& address, std::uint64_t from, int length) {
  if (length < 0 || static_cast<unsigned>(length) > SocketAddress::kMost) return Errno::kEINVAL;
  const auto size = static_cast<std::size_t>(length);
  if (!is_application_range(from, size) || copy_from_application(address.bytes, from, size) != size)
    return Errno::kEFAULT;
  address.length = size;
  return {};
}

Status store_address_bytes(const SocketAddress& address, std::uint64_t to, int room) {
  if (room < 0) return Errno::kEINVAL;
  const std::size_t size = std::min(address.length, static_cast<std::size_t>(room));
  if (!is_application_range(to, size) || copy_to_application(to, address.bytes, size) != size)
    return Errno::kEFAULT;
  return {};
}

Status store_address(const SocketAddress& address, std::uint64_t to, std::uint64_t length_at) {
  if (to == 0) return {};
  const auto room = load_application<std::int32_t>(length_at);
  if (!room) return room.error();
  if (const Status stored = store_address_bytes(address, to, *room); !stored) return stored;
  return store_application(length_at, static_cast<std::int32_t>(address.length));
}

}  // namespace plumbline::linux_abi
