// What UDP sockets need of the network below them. The kernel's is the device's (udp_device.cc),
// hosted tests have one of their own.
#pragma once

#include <span>

#include "linux/sockets/datagram.hh"
#include "net/interface.hh"

namespace plumbline::linux_abi {

// What the device's network is like; null when there is none. Starts it at the first call.
const net::InterfaceConfiguration* device_network();
// Sends a datagram by the device. False when it was dropped.
bool send_by_device(std::uint16_t source_port, net::UdpEndpoint to,
                    std::span<const std::byte> payload, const net::UdpSendOptions& options);
// The same for the usual datagram to a neighbour that was sent to before, with what `write` copies
// into the device's buffer, without sleeping. The bytes sent, or below 0: it is not that simple, or
// `write` failed; nothing has happened.
std::ptrdiff_t send_by_device_at_once(std::uint16_t source_port, net::UdpEndpoint to,
                                      net::Interface::PayloadWriter write, void* context);
// Bytes of an IP packet that the way to a host takes; there is a device.
std::uint16_t path_mtu(net::Ipv4Address to);
// Lets in what has arrived at the device. True when something was.
bool receive_from_device();

inline constexpr net::Ipv4Address kLoopbackAddress = net::Ipv4Address::of(127, 0, 0, 1);

}  // namespace plumbline::linux_abi
