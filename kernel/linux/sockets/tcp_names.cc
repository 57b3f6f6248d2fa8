#include "linux/sockets/tcp_names.hh"

#include <array>

#include "core/clock.hh"
#include "sync/lock_guard.hh"
#include "sync/spinlock.hh"

namespace plumbline::linux_abi {

namespace {

// net.ipv4.ip_local_port_range.
constexpr std::uint32_t kFirstFree = 32768, kFreePorts = 60999 - 32768 + 1;

struct Chain {
  Spinlock lock;
  IntrusiveList<TcpName, &TcpName::hook> names;
};
constexpr std::size_t kChains = 256;
constinit std::array<Chain, kChains> chains;

Chain& chain_of(std::uint16_t port) { return chains[port % kChains]; }

bool takes_v4(const TcpName& name) {
  return name.address.is_v4() || (name.address.is_unspecified() && !name.v6_only);
}
bool takes_v6(const TcpName& name) { return !name.address.is_v4(); }

bool overlap(const TcpName& a, const TcpName& b) {
  if (!(takes_v4(a) && takes_v4(b)) && !(takes_v6(a) && takes_v6(b))) return false;
  return a.address.is_unspecified() || b.address.is_unspecified() || a.address == b.address;
}

bool may_share(const TcpName& a, const TcpName& b) {
  if (a.reuse_address && b.reuse_address && !a.listening && !b.listening) return true;
  return a.reuse_port && b.reuse_port && a.user == b.user;
}

// With the chain's lock.
bool is_taken(Chain& chain, const TcpName& name) {
  for (const TcpName& other : chain.names) {
    if (&other != &name && other.port == name.port && overlap(other, name) &&
        !may_share(other, name))
      return true;
  }
  return false;
}

bool try_enter(TcpName& name) {
  Chain& chain = chain_of(name.port);
  const LockGuard guard(chain.lock);
  if (is_taken(chain, name)) return false;
  chain.names.push_back(&name);
  name.entered = true;
  return true;
}

}  // namespace

Status enter_tcp_name(TcpName& name) {
  if (name.port != 0) return try_enter(name) ? Status() : Errno::kEADDRINUSE;
  // Where the search starts should differ from the last time; it need not be a secret, since the
  // ports of outgoing connections are chosen elsewhere (net/tcp/port_choice.hh).
  const auto start = static_cast<std::uint32_t>(tsc_now() >> 4);
  for (std::uint32_t i = 0; i < kFreePorts; ++i) {
    name.port = static_cast<std::uint16_t>(kFirstFree + (start + i) % kFreePorts);
    if (try_enter(name)) return {};
  }
  name.port = 0;
  return Errno::kEADDRINUSE;
}

void enter_accepted_tcp_name(TcpName& name) {
  Chain& chain = chain_of(name.port);
  const LockGuard guard(chain.lock);
  chain.names.push_back(&name);
  name.entered = true;
}

Status listen_on_tcp_name(TcpName& name) {
  Chain& chain = chain_of(name.port);
  const LockGuard guard(chain.lock);
  const bool before = name.listening;
  name.listening = true;
  if (!is_taken(chain, name)) return {};
  name.listening = before;
  return Errno::kEADDRINUSE;
}

void change_tcp_name(TcpName& name, bool reuse_address, bool reuse_port) {
  const LockGuard guard(chain_of(name.port).lock);
  name.reuse_address = reuse_address;
  name.reuse_port = reuse_port;
}

void leave_tcp_name(TcpName& name) {
  if (!name.entered) return;
  Chain& chain = chain_of(name.port);
  const LockGuard guard(chain.lock);
  chain.names.remove(&name);
  name.entered = name.listening = false;
}

}  // namespace plumbline::linux_abi
