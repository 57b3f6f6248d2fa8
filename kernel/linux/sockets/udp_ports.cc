#include "linux/sockets/udp_ports.hh"

#include <array>
#include <cstring>

#include "core/clock.hh"
#include "linux/sockets/udp_socket.hh"
#include "sync/lock_guard.hh"
#include "sync/spinlock.hh"

namespace plumbline::linux_abi {

namespace {

// net.ipv4.ip_local_port_range.
constexpr std::uint16_t kFirstEphemeral = 32768, kLastEphemeral = 60999;
constexpr std::size_t kBuckets = 256;

// A chain through the sockets, the latest first: it wins among equals (SO_REUSEADDR).
struct Bucket {
  Spinlock lock;
  UdpSocket* first = nullptr;
};
constinit Bucket buckets[kBuckets];
constinit std::atomic<std::uint32_t> next_ephemeral{0};
// Sockets of a batch that got something.
constinit std::array<std::atomic<UdpSocket*>, kUdpBatches> batches{};

Bucket& bucket_of(std::uint16_t port) { return buckets[port % kBuckets]; }

bool conflict(const UdpBinding& a, const UdpBinding& b) {
  if (a.local.port != b.local.port) return false;
  if (!a.local.address.is_zero() && !b.local.address.is_zero() &&
      a.local.address != b.local.address)
    return false;
  return !(a.reuse_address && b.reuse_address) && !(a.reuse_port && b.reuse_port);
}

// Under the bucket's lock.
bool taken(Bucket& bucket, const UdpSocket& socket, const UdpBinding& binding) {
  for (const UdpSocket* other = bucket.first; other != nullptr; other = other->next_of_port) {
    if (other != &socket && conflict(other->binding, binding)) return true;
  }
  return false;
}

// `alone`: the port must not be shared with anybody yet.
bool enter(UdpSocket& socket, const UdpBinding& binding, bool alone) {
  Bucket& bucket = bucket_of(binding.local.port);
  const LockGuard guard(bucket.lock);
  UdpBinding wanted = binding;
  if (alone) wanted.reuse_address = wanted.reuse_port = false;
  if (taken(bucket, socket, wanted)) return false;
  socket.binding = binding;
  socket.next_of_port = bucket.first;
  bucket.first = &socket;
  socket.bound.store(true, std::memory_order_release);
  return true;
}

// How well a socket fits a datagram; 0: not at all. A connected one gets what its peer sends before
// others, one bound to the address before one bound to all.
unsigned fit(const UdpBinding& binding, const net::UdpEndpoint& from, const net::UdpEndpoint& to) {
  if (binding.local.port != to.port) return 0;
  unsigned score = 1;
  if (!binding.local.address.is_zero()) {
    if (binding.local.address != to.address) return 0;
    score += 1;
  }
  if (binding.remote.port != 0) {
    if (binding.remote != from) return 0;
    score += 2;
  }
  return score;
}

// Spreads peers over the sockets of a port that share it (SO_REUSEPORT).
std::uint32_t mix(const net::UdpEndpoint& from) {
  std::uint64_t hash = from.address.value | std::uint64_t{from.port} << 32;
  hash *= 0x9e37'79b9'7f4a'7c15;  // Fibonacci hashing (Knuth, TAOCP 3, 6.4)
  return static_cast<std::uint32_t>(hash >> 32);
}

[[gnu::noinline]] UdpSocket* choose_of_several(const Bucket& bucket, const net::UdpEndpoint& from,
                                               const net::UdpEndpoint& to) {
  UdpSocket* best = nullptr;
  unsigned best_score = 0;
  std::uint32_t equals = 0;
  for (UdpSocket* socket = bucket.first; socket != nullptr; socket = socket->next_of_port) {
    const unsigned score = fit(socket->binding, from, to);
    if (score == 0 || score < best_score) continue;
    if (score > best_score) {
      best = socket;
      best_score = score;
      equals = 1;
    } else if (best->binding.reuse_port && socket->binding.reuse_port) {
      // Each of n equals is chosen by 1/n of the peers.
      ++equals;
      if (mix(from) * std::uint64_t{2654435761} % (equals * 65536ull) < 65536) best = socket;
    }
  }
  return best;
}

// Under the bucket's lock.
inline UdpSocket* choose(const Bucket& bucket, const net::UdpEndpoint& from,
                         const net::UdpEndpoint& to) {
  // Most ports are one socket's.
  if (UdpSocket* const only = bucket.first; only != nullptr && only->next_of_port == nullptr)
      [[likely]]
    return fit(only->binding, from, to) != 0 ? only : nullptr;
  return choose_of_several(bucket, from, to);
}

[[gnu::noinline]] void enlist_first(UdpSocket& socket, unsigned batch) {
  UdpSocket* head = batches[batch].load(std::memory_order_relaxed);
  do {
    socket.next_to_be_told = head;
  } while (!batches[batch].compare_exchange_weak(head, &socket, std::memory_order_release,
                                                 std::memory_order_relaxed));
}

inline void enlist(UdpSocket& socket, unsigned batch) {
  // Release: what was pushed is seen by whoever takes the flag back.
  if (!socket.to_be_told.exchange(true, std::memory_order_acq_rel)) [[unlikely]]
    enlist_first(socket, batch);
}

// False: there is no room, and it is counted.
inline bool has_room(UdpSocket& socket, std::size_t length) {
  if (socket.has_room(length + Datagram::kOverhead)) [[likely]]
    return true;
  socket.count_drop();
  return false;
}

Delivery give(UdpSocket& socket, Datagram* datagram, unsigned batch) {
  if (!has_room(socket, datagram->length)) {
    datagram->release();
    return Delivery::kDropped;
  }
  socket.push(datagram);
  enlist(socket, batch);
  return Delivery::kTaken;
}

[[gnu::always_inline]] inline Delivery give_copy(UdpSocket& socket, const DatagramHeader& header,
                                                 std::span<const std::byte> payload,
                                                 unsigned batch) {
  if (!has_room(socket, payload.size())) return Delivery::kDropped;
  Datagram* const datagram = Datagram::create_masked(payload.size(), header);
  if (datagram == nullptr) [[unlikely]]
    return Delivery::kDropped;
  if (!payload.empty()) std::memcpy(datagram->data(), payload.data(), payload.size());
  socket.push(datagram);
  enlist(socket, batch);
  return Delivery::kTaken;
}

}  // namespace

Status bind_udp(UdpSocket& socket, UdpBinding& binding) {
  if (binding.local.port != 0) return enter(socket, binding, false) ? Status() : Errno::kEADDRINUSE;
  constexpr std::uint32_t kCount = kLastEphemeral - kFirstEphemeral + 1;
  // Somewhere else at each boot: an answer to a former one's question finds nobody.
  std::uint32_t expected = 0;
  next_ephemeral.compare_exchange_strong(expected, static_cast<std::uint32_t>(tsc_now() >> 8) | 1,
                                         std::memory_order_relaxed);
  UdpBinding wanted = binding;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const std::uint32_t number = next_ephemeral.fetch_add(1, std::memory_order_relaxed);
    wanted.local.port = static_cast<std::uint16_t>(kFirstEphemeral + number % kCount);
    if (!enter(socket, wanted, true)) continue;
    binding.local.port = wanted.local.port;
    return {};
  }
  return Errno::kEADDRINUSE;
}

void unbind_udp(UdpSocket& socket) {
  // The port of a bound socket does not change, so it may be read without the lock.
  const std::uint16_t port = socket.binding.local.port;
  if (port == 0) return;
  Bucket& bucket = bucket_of(port);
  const LockGuard guard(bucket.lock);
  for (UdpSocket** link = &bucket.first; *link != nullptr; link = &(*link)->next_of_port) {
    if (*link != &socket) continue;
    *link = socket.next_of_port;
    socket.binding = {};
    socket.bound.store(false, std::memory_order_release);
    return;
  }
}

void change_udp_binding(UdpSocket& socket, const UdpBinding& binding) {
  const LockGuard guard(bucket_of(binding.local.port).lock);
  socket.binding = binding;
}

Delivery deliver_arrived_udp(const net::UdpDatagram& arrived, unsigned batch) {
  Bucket& bucket = bucket_of(arrived.destination.port);
  bucket.lock.lock_masked();
  UdpSocket* const socket = choose(bucket, arrived.source, arrived.destination);
  const Delivery result = socket != nullptr
                              ? give_copy(*socket, arrived_header(arrived), arrived.payload, batch)
                              : Delivery::kNobody;
  bucket.lock.unlock_masked();
  return result;
}

Delivery deliver_udp(const DatagramHeader& header, std::span<const std::byte> payload,
                     Datagram* ready, bool broadcast, unsigned batch) {
  Bucket& bucket = bucket_of(header.destination.port);
  const LockGuard guard(bucket.lock);
  if (!broadcast) {
    UdpSocket* const socket = choose(bucket, header.source, header.destination);
    if (ready == nullptr)
      return socket != nullptr ? give_copy(*socket, header, payload, batch) : Delivery::kNobody;
    ready->header = header;
    if (socket != nullptr) return give(*socket, ready, batch);
    ready->release();
    return Delivery::kNobody;
  }
  Delivery result = Delivery::kNobody;
  for (UdpSocket* socket = bucket.first; socket != nullptr; socket = socket->next_of_port) {
    if (fit(socket->binding, header.source, header.destination) == 0) continue;
    give_copy(*socket, header, payload, batch);
    result = Delivery::kTaken;
  }
  if (ready != nullptr) ready->release();
  return result;
}

void tell_udp_receivers(unsigned batch) {
  if (batches[batch].load(std::memory_order_relaxed) == nullptr) return;
  UdpSocket* socket = batches[batch].exchange(nullptr, std::memory_order_acquire);
  while (socket != nullptr) {
    UdpSocket* const next = socket->next_to_be_told;
    // Before the other flag falls: the socket's end sees one of them until it has been told.
    socket->being_told.fetch_add(1, std::memory_order_seq_cst);
    // Before telling: what comes from now on is told again. Acquire: what came before is seen.
    socket->to_be_told.exchange(false, std::memory_order_seq_cst);
    socket->tell_receivers();
    socket->being_told.fetch_sub(1, std::memory_order_release);
    socket = next;
  }
}

bool report_udp_error(net::UdpEndpoint local, net::UdpEndpoint remote, Errno error, bool hard) {
  Bucket& bucket = bucket_of(local.port);
  const LockGuard guard(bucket.lock);
  UdpSocket* const socket = choose(bucket, remote, local);
  if (socket != nullptr) socket->report(error, hard);
  return socket != nullptr;
}

}  // namespace plumbline::linux_abi
