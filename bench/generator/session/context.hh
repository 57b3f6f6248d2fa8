// What every command works with: the port, the addresses, the clock, and the wish of someone to
// stop.
#pragma once

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "accounting/host_clock.hh"
#include "accounting/placement_probe.hh"
#include "arguments.hh"
#include "network/address.hh"
#include "network/arp.hh"
#include "port/dpdk.hh"
#include "port/offload_port.hh"
#include "port/port.hh"

namespace plumbline::generator {

// A command that could not be carried out. `code` is one of the protocol's.
struct CommandError : std::runtime_error {
  CommandError(const char* error_code, const std::string& message)
      : std::runtime_error(message), code(error_code) {}
  const char* code;
};

struct Context {
  Context(Port& device, OffloadPort* offload_device, const Arguments& arguments,
          std::unique_ptr<PlacementProbe> placement_probe, std::atomic<bool>& stop_wish,
          std::atomic<bool>& quit_wish)
      : port(device),
        offload(offload_device),
        scale(tsc_hz()),
        own(arguments.own),
        peer(arguments.peer),
        core(arguments.core),
        probe_core(arguments.probe_core),
        probe(std::move(placement_probe)),
        stop(stop_wish),
        quit(quit_wish) {}

  Port& port;
  OffloadPort* offload;  // the same port, if TCP can be spoken over it
  TickScale scale;
  Endpoint own;
  uint32_t own_addresses = 1;  // from own.ip on (AddressRange): ARP is answered for all of them
  Endpoint peer;
  int core;
  int probe_core;
  std::unique_ptr<PlacementProbe> probe;  // none without --probe-core
  // Set by the thread that reads standard input and by signals.
  std::atomic<bool>& stop;
  std::atomic<bool>& quit;

  uint64_t arp_requests = 0;
  uint64_t arp_replies = 0;
  uint64_t unexpected = 0;
  uint64_t own_loss = 0;
  uint64_t link_ups = 0;
  bool link_was_up = false;

  bool interrupted() const {
    return stop.load(std::memory_order_relaxed) || quit.load(std::memory_order_relaxed);
  }

  // The block of source ports for the next command: replies to an earlier one then come to ports
  // that nobody uses.
  uint16_t next_port_block() {
    const auto base = static_cast<uint16_t>(kFirstPort + port_block_ * kPortsPerBlock);
    port_block_ = (port_block_ + 1) % kPortBlocks;
    return base;
  }

  // For the next datagram in fragments. One count for all commands: a fragment that one of them
  // left behind in the server's reassembly must not meet one of another datagram (RFC 6864, 5.2).
  uint16_t next_identification() { return next_identification_++; }

  // For frames that are no reply: answers ARP requests for our address. False when the frame was
  // nothing known.
  bool handle_other(std::span<const uint8_t> frame) {
    switch (classify_arp(frame, AddressRange(own.ip, own_addresses, peer.ip))) {
      case ArpKind::kNone:
        ++unexpected;
        return false;
      case ArpKind::kOther:
        return true;
      case ArpKind::kRequestForUs:
        break;
    }
    ++arp_requests;
    std::array<uint8_t, kArpFrameBytes> reply;
    write_arp_reply(frame, own.mac, reply);
    if (port.send_copy(reply)) ++arp_replies;
    return true;
  }

  // True when the link is up; a change is told to the runner.
  bool check_link();
  uint64_t take_own_loss() {
    const uint64_t lost = port.take_own_loss();
    own_loss += lost;
    return lost;
  }

 private:
  static constexpr uint32_t kFirstPort = 20000;
  static constexpr uint32_t kPortsPerBlock = 1024;  // the most connections a run may have
  static constexpr uint32_t kPortBlocks = 16;
  uint32_t port_block_ = 0;
  uint16_t next_identification_ = 1;
};

}  // namespace plumbline::generator
