#include "linux/sockets/unix_names.hh"

#include <new>

#include "fs/vnode.hh"
#include "linux/sockets/unix_endpoint.hh"
#include "sync/lock_guard.hh"
#include "sync/mutex.hh"

namespace plumbline::linux_abi {

namespace {

constexpr std::size_t kBuckets = 64;
constexpr std::size_t kPathAt = sizeof(std::uint16_t);

// All bound endpoints. A name's memory belongs to its endpoint, which leaves before it goes.
struct Table {
  Spinlock lock;
  IntrusiveList<UnixEndpoint, &UnixEndpoint::name_hook> buckets[kBuckets];
  std::uint32_t next_automatic = 0;
};
constinit Table table;
// One bind at a time: making the node may sleep.
constinit Mutex binding;

std::size_t bucket_of(std::span<const std::byte> bytes) {
  // FNV-1a.
  std::uint32_t hash = 2166136261;
  for (std::byte byte : bytes) hash = (hash ^ static_cast<std::uint32_t>(byte)) * 16777619;
  return (hash ^ hash >> 16) % kBuckets;
}
std::size_t bucket_of(const Vnode* node) {
  return reinterpret_cast<std::uintptr_t>(node) / 64 % kBuckets;
}
std::size_t bucket_of(const UnixName& name) {
  return name.abstract() ? bucket_of(name.address.rest()) : bucket_of(name.node.get());
}

bool same(const SocketAddress& a, const SocketAddress& b) {
  return a.length == b.length && std::memcmp(a.bytes, b.bytes, a.length) == 0;
}

bool is_abstract(const SocketAddress& address) { return address.bytes[kPathAt] == std::byte{0}; }

// The path of an address with a zero behind it.
void copy_path(char (&path)[kMostUnixName + 1], const SocketAddress& address) {
  const std::size_t length = address.length - kPathAt;
  std::memcpy(path, address.bytes + kPathAt, length);
  path[length] = 0;
}

// Under the table's lock. Abstract names of different types do not meet.
UnixEndpoint* find_abstract(const SocketAddress& address, int type) {
  for (UnixEndpoint& endpoint : table.buckets[bucket_of(address.rest())]) {
    const UnixName& name = *endpoint.name.load(std::memory_order_relaxed);
    if (name.abstract() && endpoint.type == type && same(name.address, address)) return &endpoint;
  }
  return nullptr;
}

// Under the table's lock.
void enter(UnixEndpoint& endpoint, UnixName* name) {
  endpoint.name.store(name, std::memory_order_release);
  table.buckets[bucket_of(*name)].push_back(&endpoint);
}

bool has_name(const UnixEndpoint& endpoint) {
  return endpoint.name.load(std::memory_order_acquire) != nullptr;
}

}  // namespace

Status check_unix_address(const SocketAddress& address) {
  if (address.length <= kPathAt || address.length > kPathAt + kMostUnixName ||
      address.family() != kFamilyUnix)
    return Errno::kEINVAL;
  return {};
}

Status autobind_unix(UnixEndpoint& endpoint) {
  const LockGuard one_at_a_time(binding);
  if (has_name(endpoint)) return {};
  auto* name = new (std::nothrow) UnixName;
  if (name == nullptr) return Errno::kENOMEM;
  constexpr std::size_t kDigits = 5;
  SocketAddress& address = name->address;
  store_unaligned(address.bytes, std::uint16_t{kFamilyUnix});
  address.bytes[kPathAt] = std::byte{0};
  address.length = kPathAt + 1 + kDigits;
  for (std::uint32_t attempt = 0; attempt < 1u << 20; ++attempt) {
    const LockGuard guard(table.lock);
    const std::uint32_t number = table.next_automatic++ & 0xfffff;
    for (std::size_t i = 0; i < kDigits; ++i)
      address.bytes[kPathAt + 1 + i] =
          static_cast<std::byte>("0123456789abcdef"[number >> (4 * (kDigits - 1 - i)) & 15]);
    if (find_abstract(address, endpoint.type) != nullptr) continue;
    enter(endpoint, name);
    return {};
  }
  name->release();
  return Errno::kENOSPC;
}

Status bind_unix(UnixEndpoint& endpoint, const SocketAddress& address) {
  if (address.length == kPathAt && address.family() == kFamilyUnix) return autobind_unix(endpoint);
  if (const Status good = check_unix_address(address); !good) return good;
  const LockGuard one_at_a_time(binding);
  Ref<UnixName> name = Ref<UnixName>::adopt(new (std::nothrow) UnixName);
  if (!name) return Errno::kENOMEM;
  name->address = address;
  if (is_abstract(address)) {
    if (has_name(endpoint)) return Errno::kEINVAL;
    const LockGuard guard(table.lock);
    if (find_abstract(address, endpoint.type) != nullptr) return Errno::kEADDRINUSE;
    enter(endpoint, name.leak());
    return {};
  }
  char path[kMostUnixName + 1];
  copy_path(path, address);
  const std::size_t length = std::strlen(path);
  std::memcpy(name->address.bytes + kPathAt, path, length + 1);
  name->address.length = kPathAt + length + 1;
  // As on Linux, a name that is taken is found before it is seen that the socket has one.
  if (has_name(endpoint)) {
    const auto existing = find_socket_node(path);
    return existing || existing.error() == Errno::kECONNREFUSED ? Errno::kEADDRINUSE
                                                                : Errno::kEINVAL;
  }
  auto node = make_socket_node(path);
  if (!node) return node.error();
  name->node = std::move(*node);
  const LockGuard guard(table.lock);
  enter(endpoint, name.leak());
  return {};
}

Result<Ref<UnixEndpoint>> find_unix(const SocketAddress& address, int type) {
  if (const Status good = check_unix_address(address); !good) return good.error();
  if (is_abstract(address)) {
    const LockGuard guard(table.lock);
    UnixEndpoint* const found = find_abstract(address, type);
    if (found == nullptr) return Errno::kECONNREFUSED;
    return Ref<UnixEndpoint>::share(found);
  }
  char path[kMostUnixName + 1];
  copy_path(path, address);
  const auto node = find_socket_node(path);
  if (!node) return node.error();
  const LockGuard guard(table.lock);
  for (UnixEndpoint& endpoint : table.buckets[bucket_of(node->get())]) {
    if (endpoint.name.load(std::memory_order_relaxed)->node != *node) continue;
    if (endpoint.type != type) return Errno::kEPROTOTYPE;
    return Ref<UnixEndpoint>::share(&endpoint);
  }
  return Errno::kECONNREFUSED;
}

void unbind_unix(UnixEndpoint& endpoint) {
  const LockGuard guard(table.lock);
  // A connection that was accepted has its listener's name and is not in the table.
  if (!endpoint.name_hook.linked()) return;
  table.buckets[bucket_of(*endpoint.name.load(std::memory_order_relaxed))].remove(&endpoint);
}

void for_each_unix_name(void (*visit)(void* context, const UnixEndpoint& endpoint,
                                      const UnixName& name),
                        void* context) {
  const LockGuard guard(table.lock);
  for (auto& bucket : table.buckets) {
    for (UnixEndpoint& endpoint : bucket)
      visit(context, endpoint, *endpoint.name.load(std::memory_order_relaxed));
  }
}

}  // namespace plumbline::linux_abi
