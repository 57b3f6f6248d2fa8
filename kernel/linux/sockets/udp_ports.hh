// Which UDP socket gets a datagram.
#pragma once

#include <cstdint>
#include <span>

#include "core/result.hh"
#include "linux/sockets/datagram.hh"

namespace plumbline::linux_abi {

class UdpSocket;

// Where a socket is bound; as Linux has it, several may share a port.
struct UdpBinding {
  net::UdpEndpoint local;   // address 0.0.0.0: any
  net::UdpEndpoint remote;  // port 0: not connected
  bool reuse_address = false;
  bool reuse_port = false;
  bool operator==(const UdpBinding&) const = default;
};

// Enters the socket with this binding; port 0 chooses an ephemeral one. kEADDRINUSE.
Status bind_udp(UdpSocket& socket, UdpBinding& binding);
// Takes it out; afterwards nothing more is delivered to it. No effect when it is not bound.
void unbind_udp(UdpSocket& socket);
// Changes the addresses of a bound socket that keeps its port.
void change_udp_binding(UdpSocket& socket, const UdpBinding& binding);

enum class Delivery : std::uint8_t { kTaken, kDropped, kNobody };

// Gives a datagram to the socket that it is for, or to all of them when it is a broadcast: a copy
// of `payload`, or `ready`, which holds the same and is taken over in any case. Callable with
// interrupts masked. Those who wait are told by tell_udp_receivers(batch).
Delivery deliver_udp(const DatagramHeader& header, std::span<const std::byte> payload,
                     Datagram* ready, bool broadcast, unsigned batch);
// The same for one that has arrived at the device, with interrupts masked.
Delivery deliver_arrived_udp(const net::UdpDatagram& arrived, unsigned batch);
// One batch for each queue of the device, and one for the loopback.
inline constexpr unsigned kUdpBatches = 9, kLoopbackBatch = 8;
void tell_udp_receivers(unsigned batch);

// A datagram from `local` to `remote` did not arrive: tells the socket that it may have come from.
// `hard`: that will not change by itself. False: there is none.
bool report_udp_error(net::UdpEndpoint local, net::UdpEndpoint remote, Errno error, bool hard);

}  // namespace plumbline::linux_abi
