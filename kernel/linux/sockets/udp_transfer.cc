// UDP sockets: sending and receiving.
#include <algorithm>

#include "linux/sockets/udp_socket.hh"
#include "sync/interruptible_wait.hh"
#include "sync/lock_guard.hh"

namespace plumbline::linux_abi {

namespace {

// A UDP length is 16 bits, and so is that of the packet around it.
constexpr std::size_t kMostPayload = 65535 - net::Ipv4Header::kSize - net::UdpHeader::kSize;
// What is copied by way of the stack: all that goes into one packet of an Ethernet.
constexpr std::size_t kOnStack = 1472;
constexpr int kControlTypeOfService = 1, kControlTimeToLive = 2;

}  // namespace

[[gnu::always_inline]] inline Datagram* UdpSocket::take(bool peek) {
  // In the usual miss nothing is locked.
  if (queued_.load(std::memory_order_acquire) == 0) return nullptr;
  lock_.lock_unmasked();
  Datagram* const datagram = first_;
  if (datagram != nullptr) [[likely]] {
    if (peek) {
      datagram->retain();
    } else {
      first_ = datagram->next;
      if (first_ == nullptr) last_ = nullptr;
      queued_.store(queued_.load(std::memory_order_relaxed) - datagram->charge(),
                    std::memory_order_release);
    }
  }
  lock_.unlock_unmasked();
  return datagram;
}

Status UdpSocket::wait_for_datagram(std::uint32_t flags, bool& end) {
  end = false;
  if (const Errno error = take_error(); error != Errno::kNone) return error;
  // What lies at the device may be what is wanted.
  if (receive_from_device()) return {};
  if (!waits(flags)) return Errno::kEAGAIN;
  if ((shut_.load(std::memory_order_acquire) & kShutReceive) != 0) {
    end = true;
    return {};
  }
  const Deadline deadline = receive_deadline();
  const Status waited = wait_interruptibly(
      readers_,
      [&] {
        return queued_.load(std::memory_order_acquire) != 0 ||
               error_.load(std::memory_order_relaxed) != 0 ||
               (shut_.load(std::memory_order_acquire) & kShutReceive) != 0;
      },
      deadline);
  if (waited) return {};
  if (waited.error() == Errno::kETIMEDOUT) return Errno::kEAGAIN;
  // With a time-out the call is not made again (Linux, include/net/sock.h, sock_intr_errno).
  return deadline.is_never() ? waited.error() : Errno::kEINTR;
}

// Takes over the reference.
[[gnu::always_inline]] inline Result<std::size_t> UdpSocket::give(Datagram* taken, IoCursor& to,
                                                                  ReceiveRequest& request) const {
  const DatagramReference datagram(taken);
  const std::size_t length = datagram->length;
  const std::size_t size = std::min(length, to.remaining());
  if (to.put({datagram->data(), size}) != size) return Errno::kEFAULT;
  if (length > size) request.result_flags |= kMessageTruncated;
  if (request.from != nullptr) set_internet_address(*request.from, datagram->header.source);
  if (request.control != nullptr && request.control->wanted())
    give_control(datagram->header, *request.control);
  return (request.flags & kMessageTruncated) != 0 ? length : size;
}

Result<std::size_t> UdpSocket::receive(IoCursor& to, ReceiveRequest& request) {
  if ((request.flags & (kMessageErrorQueue | kMessagePeek)) == 0) [[likely]] {
    if (Datagram* const taken = take(false); taken != nullptr) [[likely]]
      return give(taken, to, request);
  }
  return receive_any(to, request);
}

// The rest of receive() when there is nothing yet, or the datagram stays where it is.
[[gnu::noinline]] Result<std::size_t> UdpSocket::receive_any(IoCursor& to,
                                                             ReceiveRequest& request) {
  if (request.from != nullptr) request.from->length = 0;
  if ((request.flags & kMessageErrorQueue) != 0) return Errno::kEAGAIN;
  const bool peek = (request.flags & kMessagePeek) != 0;
  for (;;) {
    if (Datagram* const taken = take(peek); taken != nullptr) return give(taken, to, request);
    bool end = false;
    if (const Status waited = wait_for_datagram(request.flags, end); !waited) return waited.error();
    if (end) return std::size_t{0};
  }
}

void UdpSocket::give_control(const DatagramHeader& header, ControlWriter& control) const {
  if (ip_.packet_information) {
    // struct in_pktinfo: the interface, the address it came to, and the one in the header.
    struct {
      std::int32_t interface;
      net::Ipv4Address local, destination;
    } information{header.interface,
                  {byte_swap(header.destination.address.value)},
                  {byte_swap(header.destination.address.value)}};
    control.put_object(kLevelIp, kIpPacketInformation, information);
  }
  if (ip_.receive_time_to_live)
    control.put_object(kLevelIp, kControlTimeToLive, std::int32_t{header.time_to_live});
  if (ip_.receive_type_of_service)
    control.put_object(kLevelIp, kControlTypeOfService, header.type_of_service);
}

// What can be left to send_by_device_at_once: a bound socket without errors, shutdowns or options.
[[gnu::always_inline]] inline bool UdpSocket::sends_simply(std::uint32_t flags) const {
  return (flags & kMessageOutOfBand) == 0 && bound.load(std::memory_order_acquire) &&
         (shut_.load(std::memory_order_acquire) | error_.load(std::memory_order_relaxed)) == 0 &&
         ip_.send == net::UdpSendOptions{} && !binding.local.address.is_loopback();
}

Result<std::size_t> UdpSocket::send(IoCursor& from, const SendRequest& request) {
  if (request.control == nullptr && sends_simply(request.flags)) [[likely]] {
    net::UdpEndpoint to = binding.remote;
    if (request.to != nullptr) {
      to = request.to->length >= kInternetAddressSize && request.to->family() == kFamilyInternet
               ? internet_endpoint(*request.to)
               : net::UdpEndpoint{};
    }
    if (to.port != 0) [[likely]] {
      const std::ptrdiff_t sent = send_by_device_at_once(
          binding.local.port, to,
          [](void* cursor, std::byte* payload, std::size_t room) {
            return static_cast<IoCursor*>(cursor)->take_all_at_once(payload, room);
          },
          &from);
      if (sent >= 0) [[likely]]
        return static_cast<std::size_t>(sent);
    }
  }
  return send_any(from, request);
}

std::ptrdiff_t UdpSocket::send_at_once(const ProgramMessage& message, std::uint32_t flags) {
  if (!sends_simply(flags)) [[unlikely]]
    return -1;
  net::UdpEndpoint to = binding.remote;
  if (message.name != 0) {
    std::uint64_t name, padding;
    if (message.name_length != kInternetAddressSize ||
        !is_application_range(message.name, kInternetAddressSize) ||
        !load_word(name, message.name) || !load_word(padding, message.name + 8) ||
        static_cast<std::uint16_t>(name) != kFamilyInternet) [[unlikely]]
      return -1;
    to = {{byte_swap(static_cast<std::uint32_t>(name >> 32))},
          byte_swap(static_cast<std::uint16_t>(name >> 16))};
  }
  if (to.port == 0) [[unlikely]]
    return -1;
  return send_by_device_at_once(
      binding.local.port, to,
      [](void* context, std::byte* payload, std::size_t room) {
        const auto& from = *static_cast<const ProgramMessage*>(context);
        return gather_at_once(payload, room, from.segments, from.segment_count);
      },
      const_cast<ProgramMessage*>(&message));
}

Result<std::size_t> UdpSocket::send_any(IoCursor& from, const SendRequest& request) {
  const std::size_t size = from.remaining();
  if (size > 65535) return Errno::kEMSGSIZE;
  if ((request.flags & kMessageOutOfBand) != 0) return Errno::kEOPNOTSUPP;
  if (const Status named = autobind(); !named) return named.error();
  net::UdpEndpoint to;
  if (request.to != nullptr) {
    if (request.to->length < kInternetAddressSize) return Errno::kEINVAL;
    if (request.to->family() != kFamilyInternet && request.to->family() != kFamilyUnspecified)
      return Errno::kEAFNOSUPPORT;
    to = internet_endpoint(*request.to);
    if (to.port == 0) return Errno::kEINVAL;
  } else {
    to = binding.remote;
    if (to.port == 0) return Errno::kEDESTADDRREQ;
  }
  if (size > kMostPayload) return Errno::kEMSGSIZE;
  if ((shut_.load(std::memory_order_acquire) & kShutSend) != 0) return Errno::kEPIPE;
  if (const Errno error = take_error(); error != Errno::kNone) return error;
  if (to.address.is_zero()) to.address = kLoopbackAddress;
  net::UdpSendOptions options = ip_.send;
  net::Ipv4Address source = binding.local.address;
  if (request.control != nullptr) {
    const SendControl& control = *request.control;
    if (!control.source.is_zero()) source = control.source;
    if (control.type_of_service >= 0)
      options.type_of_service = static_cast<std::uint8_t>(control.type_of_service);
    if (control.time_to_live >= 0)
      options.time_to_live = static_cast<std::uint8_t>(control.time_to_live);
  }
  const Result<Route> way = route(to.address, source);
  if (!way) return way.error();
  const std::uint16_t port = binding.local.port;
  if (way->local) return send_locally(from, size, {way->source, port}, to, false, options);
  if (way->broadcast) {
    // The device does not hear itself.
    Datagram* const copy = Datagram::create(size);
    if (copy == nullptr) return Errno::kENOBUFS;
    const DatagramReference datagram(copy);
    if (from.take({datagram->data(), size}) != size) return Errno::kEFAULT;
    send_by_device(port, to, {datagram->data(), size}, options);
    DatagramHeader header{{way->source, port}, to};
    header.interface = kDeviceIndex;
    deliver_udp(header, {datagram->data(), size}, nullptr, true, kLoopbackBatch);
    tell_udp_receivers(kLoopbackBatch);
    return size;
  }
  // Who wants to find the path's MTU (IP_PMTUDISC_DO, _PROBE) does not want fragments.
  constexpr int kAlwaysDiscover = 2, kProbe = 3;
  if (const int discover = ip_.path_mtu_discovery;
      discover == kAlwaysDiscover || discover == kProbe) {
    const std::size_t mtu = discover == kProbe ? device_network()->mtu : path_mtu(to.address);
    if (size + net::Ipv4Header::kSize + net::UdpHeader::kSize > mtu) return Errno::kEMSGSIZE;
  }
  return send_out(from, size, port, to, options);
}

Result<std::size_t> UdpSocket::send_out(IoCursor& from, std::size_t size, std::uint16_t source_port,
                                        net::UdpEndpoint to, const net::UdpSendOptions& options) {
  // The program's memory may have to be made first, which may sleep: so not under a queue's lock.
  // What is dropped there counts as sent, as with any network.
  if (size <= kOnStack) {
    std::byte bytes[kOnStack];
    if (from.take({bytes, size}) != size) return Errno::kEFAULT;
    send_by_device(source_port, to, {bytes, size}, options);
    return size;
  }
  const DatagramReference datagram(Datagram::create(size));
  if (datagram.get() == nullptr) return Errno::kENOBUFS;
  if (from.take({datagram->data(), size}) != size) return Errno::kEFAULT;
  send_by_device(source_port, to, {datagram->data(), size}, options);
  return size;
}

Result<std::size_t> UdpSocket::send_locally(IoCursor& from, std::size_t size,
                                            net::UdpEndpoint source, net::UdpEndpoint to,
                                            bool broadcast, const net::UdpSendOptions& options) {
  DatagramReference datagram(Datagram::create(size));
  if (datagram.get() == nullptr) return Errno::kENOBUFS;
  if (from.take({datagram->data(), size}) != size) return Errno::kEFAULT;
  DatagramHeader header{source, to, options.type_of_service, options.time_to_live, kLoopbackIndex};
  Datagram* const ready = datagram.leak();
  const Delivery delivered =
      deliver_udp(header, {ready->data(), size}, ready, broadcast, kLoopbackBatch);
  if (delivered == Delivery::kTaken) tell_udp_receivers(kLoopbackBatch);
  // The port unreachable message that the loopback would bring back.
  if (delivered == Delivery::kNobody) report_udp_error(source, to, Errno::kECONNREFUSED, true);
  return size;
}

}  // namespace plumbline::linux_abi
