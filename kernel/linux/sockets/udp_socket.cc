// UDP sockets: names, connections, readiness.
#include "linux/sockets/udp_socket.hh"

#include <new>
#include <utility>

#include "core/idle.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {

namespace {

constexpr std::uint16_t kFirstUnprivilegedPort = 1024;
constexpr int kNeverDiscover = 0;  // IP_PMTUDISC_DONT

bool is_own_address(net::Ipv4Address address) {
  if (address.is_loopback()) return true;
  const net::InterfaceConfiguration* const device = device_network();
  return device != nullptr && address == device->address.address;
}

bool is_broadcast(net::Ipv4Address address) {
  constexpr net::Ipv4Address kLimited{~std::uint32_t{0}};
  if (address == kLimited) return true;
  const net::InterfaceConfiguration* const device = device_network();
  return device != nullptr && device->address.is_broadcast(address);
}

}  // namespace

Result<Ref<UdpSocket>> UdpSocket::create(std::uint32_t flags) {
  auto socket = Ref<UdpSocket>::adopt(new (std::nothrow) UdpSocket(flags));
  if (!socket) return Errno::kENOMEM;
  return socket;
}

UdpSocket::~UdpSocket() {
  unbind_udp(*this);
  // Nobody finds it any more. Who found it before tells it within a burst.
  while (to_be_told.load(std::memory_order_acquire) ||
         being_told.load(std::memory_order_acquire) != 0) {
    cpu_relax();
  }
  while (first_ != nullptr) std::exchange(first_, first_->next)->release();
}

Status UdpSocket::bind(const SocketAddress& address) {
  if (address.length < kInternetAddressSize) return Errno::kEINVAL;
  const net::UdpEndpoint local = internet_endpoint(address);
  // AF_UNSPEC was taken for "any address" once (Linux, net/ipv4/af_inet.c).
  if (address.family() != kFamilyInternet &&
      (address.family() != kFamilyUnspecified || !local.address.is_zero()))
    return Errno::kEAFNOSUPPORT;
  if (!local.address.is_zero() && !ip_.free_bind && !is_own_address(local.address) &&
      !is_broadcast(local.address))
    return Errno::kEADDRNOTAVAIL;
  if (local.port != 0 && local.port < kFirstUnprivilegedPort && current_credentials().user != 0)
    return Errno::kEACCES;
  const LockGuard one_at_a_time(binding_lock_);
  if (bound.load(std::memory_order_acquire)) return Errno::kEINVAL;
  UdpBinding wanted{
      .local = local, .remote = {}, .reuse_address = reuse_address_, .reuse_port = reuse_port_};
  if (const Status entered = bind_udp(*this, wanted); !entered) return entered;
  address_chosen_ = !local.address.is_zero();
  port_chosen_ = local.port != 0;
  return {};
}

Status UdpSocket::autobind() {
  if (bound.load(std::memory_order_acquire)) return {};
  const LockGuard one_at_a_time(binding_lock_);
  if (bound.load(std::memory_order_acquire)) return {};
  UdpBinding wanted;
  return bind_udp(*this, wanted) ? Status() : Errno::kEAGAIN;
}

Result<UdpSocket::Route> UdpSocket::route(net::Ipv4Address to, net::Ipv4Address source) const {
  const net::InterfaceConfiguration* const device = device_network();
  if (to.is_loopback() || (device != nullptr && to == device->address.address)) {
    if (source.is_zero()) source = to.is_loopback() ? kLoopbackAddress : to;
    return Route{true, false, source};
  }
  if (is_broadcast(to)) {
    if (!broadcast_) return Errno::kEACCES;
    if (device == nullptr) return Errno::kENETUNREACH;
    return Route{false, true, device->address.address};
  }
  if (device == nullptr || to.is_class_d_or_e() ||
      (!device->address.contains(to) && device->gateway.is_zero()))
    return Errno::kENETUNREACH;
  // Nothing from the loopback leaves the host (RFC 1122, 3.2.1.3).
  if (source.is_loopback()) return Errno::kEINVAL;
  return Route{false, false, device->address.address};
}

Status UdpSocket::connect(const SocketAddress& address) {
  if (address.length < sizeof(std::uint16_t)) return Errno::kEINVAL;
  if (address.family() == kFamilyUnspecified) {
    const LockGuard one_at_a_time(binding_lock_);
    if (!bound.load(std::memory_order_acquire)) return {};
    UdpBinding changed = binding;
    changed.remote = {};
    if (!address_chosen_) changed.local.address = {};
    if (!port_chosen_)
      unbind_udp(*this);
    else
      change_udp_binding(*this, changed);
    return {};
  }
  if (address.length < kInternetAddressSize) return Errno::kEINVAL;
  if (address.family() != kFamilyInternet) return Errno::kEAFNOSUPPORT;
  net::UdpEndpoint remote = internet_endpoint(address);
  if (remote.address.is_zero()) remote.address = kLoopbackAddress;
  const net::Ipv4Address source = binding.local.address;
  const auto way = route(remote.address, address_chosen_ ? source : net::Ipv4Address{});
  if (!way) return way.error();
  if (const Status named = autobind(); !named) return named;
  const LockGuard one_at_a_time(binding_lock_);
  UdpBinding changed = binding;
  changed.remote = remote;
  if (!address_chosen_) changed.local.address = way->source;
  change_udp_binding(*this, changed);
  return {};
}

Status UdpSocket::local_name(SocketAddress& address) {
  const LockGuard one_at_a_time(binding_lock_);
  set_internet_address(address, binding.local);
  return {};
}

Status UdpSocket::peer_name(SocketAddress& address) {
  const LockGuard one_at_a_time(binding_lock_);
  if (binding.remote.port == 0) return Errno::kENOTCONN;
  set_internet_address(address, binding.remote);
  return {};
}

Status UdpSocket::shutdown(std::uint8_t bits) {
  bool connected;
  {
    const LockGuard one_at_a_time(binding_lock_);
    connected = binding.remote.port != 0;
  }
  // As on Linux: without a connection it is an error, and those who wait are woken all the same.
  shut_.fetch_or(bits, std::memory_order_acq_rel);
  readers_.wake_all();
  source_.notify(kPollIn | kPollReadNormal | kPollReadHangup | kPollHangup);
  return connected ? Status() : Errno::kENOTCONN;
}

PollEvents UdpSocket::poll() {
  // Sending never waits.
  PollEvents events = kPollOut | kPollWriteNormal | kPollWriteBand;
  const std::uint8_t shut = shut_.load(std::memory_order_acquire);
  if (error_.load(std::memory_order_relaxed) != 0) events |= kPollError;
  if (shut == kShutBoth) events |= kPollHangup;
  if ((shut & kShutReceive) != 0) events |= kPollReadHangup | kPollIn | kPollReadNormal;
  if (queued_.load(std::memory_order_acquire) != 0) events |= kPollIn | kPollReadNormal;
  return events;
}

Errno UdpSocket::take_error() {
  if (error_.load(std::memory_order_relaxed) == 0) return Errno::kNone;
  return static_cast<Errno>(error_.exchange(0, std::memory_order_acq_rel));
}

void UdpSocket::report(Errno error, bool hard) {
  // As on Linux (net/ipv4/udp.c, __udp4_lib_err): who fragments all the same need not know.
  if (error == Errno::kEMSGSIZE) {
    hard =
        std::atomic_ref(ip_.path_mtu_discovery).load(std::memory_order_relaxed) != kNeverDiscover;
    if (!hard) return;
  }
  if (!std::atomic_ref(ip_.receive_errors).load(std::memory_order_relaxed) &&
      (!hard || binding.remote.port == 0))
    return;
  error_.store(static_cast<std::int32_t>(error), std::memory_order_release);
  readers_.wake_all();
  source_.notify(kPollError);
}

void UdpSocket::tell_receivers() {
  readers_.wake_all();
  source_.notify(kPollIn | kPollReadNormal);
}

Result<long> UdpSocket::readable_bytes() {
  const LockGuard guard(lock_);
  return first_ == nullptr ? 0L : static_cast<long>(first_->length);
}

}  // namespace plumbline::linux_abi
