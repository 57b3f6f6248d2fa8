// One queue pair being served: what native applications' and programs' receive loops share.
#pragma once

#include <optional>
#include <span>

#include "drivers/virtio/net.hh"
#include "net/interface.hh"
#include "sync/wait_queue.hh"

namespace plumbline::net {

struct QueueLoop {
  QueueLoop(virtio::NetQueuePair& queue_pair, const InterfaceConfiguration& configuration,
            std::span<std::byte> reassembly);

  virtio::NetQueuePair& pair;
  Interface interface;
  Transmit out;
  WaitQueue wait;
  Nanoseconds next_timeouts{};
  Nanoseconds next_census{};
  uint32_t packets_until_tick = 0;
  unsigned index = 0;
};

// The options ip, gateway and net.*; a wrong one ends the guest with ExitCode::kBadOption and a
// message.
InterfaceConfiguration read_configuration(const virtio::NetDevice& device);
// IPv6 by the options ip6 and gateway6; nullptr: there is none.
Ipv6Host* make_ipv6_host(const virtio::NetDevice& device);
// A loop for one queue pair; panics without memory. The device's interrupt wakes whoever waits.
QueueLoop& make_queue_loop(virtio::NetDevice& device, InterfaceConfiguration configuration,
                           unsigned index);
// Empty polls of a queue before its thread sleeps.
uint64_t poll_spins();

// The time-outs of the protocols, when they are due.
void handle_timeouts(QueueLoop& loop, Nanoseconds now);
// Says where the buffers are, if the option net.census asks for it.
void report_rest(QueueLoop& loop);
// When the time-outs are due next, if any is running.
Deadline timeout_deadline(const QueueLoop& loop);
// With the device's interrupt armed: blocks until it comes, or a time-out of the protocols or
// `timer` is due.
void wait_for_interrupt(QueueLoop& loop, Deadline timer = Deadline::never());

}  // namespace plumbline::net
