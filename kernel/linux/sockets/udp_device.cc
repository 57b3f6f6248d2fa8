// UDP sockets on the guest's network device.
#include <atomic>

#include "core/byte_order.hh"
#include "linux/sockets/udp_network.hh"
#include "linux/sockets/udp_ports.hh"
#include "net/program_network.hh"
#include "sync/lock_guard.hh"
#include "sync/mutex.hh"

namespace plumbline::linux_abi {

namespace {

constinit Mutex starting;
constinit std::atomic<bool> started{false};
constinit std::atomic<const net::InterfaceConfiguration*> network{nullptr};
// Known before the first frame is handled.
constinit net::Ipv4Address own_address;

// The handler's context is the queue's number.
void receive(void* queue, const net::UdpDatagram& datagram, net::UdpResponder& responder) {
  const auto batch = static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(queue));
  const Delivery result =
      datagram.destination.address == own_address
          ? deliver_arrived_udp(datagram, batch)
          : deliver_udp(arrived_header(datagram), datagram.payload, nullptr, true, batch);
  if (result == Delivery::kNobody) responder.refuse();
}

bool report(void*, const net::IcmpError& error) {
  // Programs send no datagrams over IPv6, so none of these can be true.
  if (!error.local.is_v4() || !error.remote.is_v4()) return false;
  return report_udp_error({error.local.v4(), error.local_port},
                          {error.remote.v4(), error.remote_port}, error.error, error.hard);
}

void attach(unsigned queue, net::Interface& interface) {
  static_assert(net::kMostProgramQueues <= kLoopbackBatch);
  interface.set_default_handler(
      {.receive = receive, .context = reinterpret_cast<void*>(std::uintptr_t{queue})});
  interface.set_udp_error_handler({report, nullptr});
  own_address = interface.configuration().address.address;
}

}  // namespace

const net::InterfaceConfiguration* device_network() {
  if (started.load(std::memory_order_acquire)) [[likely]]
    return network.load(std::memory_order_relaxed);
  const LockGuard one_at_a_time(starting);
  if (started.load(std::memory_order_relaxed)) return network.load(std::memory_order_relaxed);
  const net::InterfaceConfiguration* const found =
      net::start_program_network({attach, tell_udp_receivers});
  network.store(found, std::memory_order_release);
  started.store(true, std::memory_order_release);
  return found;
}

bool send_by_device(std::uint16_t source_port, net::UdpEndpoint to,
                    std::span<const std::byte> payload, const net::UdpSendOptions& options) {
  return net::send_from_program(source_port, to, payload, options);
}

std::uint16_t path_mtu(net::Ipv4Address to) {
  const net::InterfaceConfiguration& device = *device_network();
  if (device.address.contains(to) || device.path_mtus == nullptr) return device.mtu;
  return device.path_mtus->find(net::IpAddress::of(to), device.mtu, device.now());
}

std::ptrdiff_t send_by_device_at_once(std::uint16_t source_port, net::UdpEndpoint to,
                                      net::Interface::PayloadWriter write, void* context) {
  return net::send_from_program_at_once(source_port, to, write, context);
}

bool receive_from_device() { return net::receive_for_program(); }

}  // namespace plumbline::linux_abi
