// TCP sockets on the guest's network.
#include <atomic>

#include "linux/sockets/tcp_network.hh"
#include "linux/sockets/udp_network.hh"
#include "net/program_network.hh"
#include "sync/lock_guard.hh"
#include "sync/mutex.hh"

namespace plumbline::linux_abi {

namespace {

constinit Mutex starting;
constinit std::atomic<bool> started{false};

}  // namespace

Status start_tcp() {
  if (started.load(std::memory_order_acquire)) [[likely]]
    return {};
  // The device's queues come first, whoever uses them.
  (void)device_network();
  const LockGuard one_at_a_time(starting);
  if (started.load(std::memory_order_relaxed)) return {};
  if (const Status made = net::start_program_tcp(); !made) return made;
  started.store(true, std::memory_order_release);
  return {};
}

unsigned tcp_stack_count() { return net::program_stack_count(); }
unsigned tcp_local_stack() { return net::local_program_stack(); }

bool is_own_address(const net::IpAddress& address) {
  if (address.is_loopback()) return true;
  const net::InterfaceConfiguration* const device = device_network();
  if (device == nullptr) return false;
  if (address.is_v4()) return address == net::IpAddress::of(device->address.address);
  return device->ipv6 != nullptr && device->ipv6->state().find_own(address) != nullptr;
}

Result<net::IpAddress> tcp_source(const net::IpAddress& to, const net::IpAddress& source) {
  if (is_own_address(to)) return to;
  const net::InterfaceConfiguration* const device = device_network();
  if (device != nullptr && device->ipv6 != nullptr && !to.is_v4()) {
    if (source.is_loopback() && !source.is_v4()) return Errno::kEINVAL;
    const net::Ipv6State known = device->ipv6->state();
    const std::uint64_t now = device->now();
    if (known.next_hop(to, now).is_unspecified()) return Errno::kENETUNREACH;
    const net::Ipv6State::Own* const own = known.source_for(to, now);
    return own == nullptr ? Result<net::IpAddress>(Errno::kEADDRNOTAVAIL) : own->address;
  }
  if (device == nullptr || !to.is_v4() || to.v4().is_class_d_or_e() ||
      (!device->address.contains(to.v4()) && device->gateway.is_zero()))
    return Errno::kENETUNREACH;
  // Nothing from the loopback leaves the host (RFC 1122, 3.2.1.3).
  if (source.is_loopback()) return Errno::kEINVAL;
  return net::IpAddress::of(device->address.address);
}

}  // namespace plumbline::linux_abi
