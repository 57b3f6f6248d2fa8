// A host made of the kernel's TCP (kernel/net/tcp) and a port: the generator's end of connections.
// One thread, no locks; what happens is told to the connections' owners in between.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "accounting/host_clock.hh"
#include "net/queue_memory.hh"
#include "net/tcp/stack.hh"
#include "network/address.hh"
#include "port/offload_port.hh"

namespace plumbline::generator {

struct HostConfiguration {
  Endpoint own;            // the first of the addresses
  uint32_t addresses = 1;  // see AddressRange
  Endpoint peer;
  // Of SYNs, the first one.
  Nanoseconds initial_timeout = seconds(1);
  uint8_t syn_retries = 6;
};

class Host {
 public:
  // What is no segment of TCP for one of our addresses: ARP, mostly.
  using Other = std::function<void(std::span<const uint8_t>)>;

  Host(OffloadPort& port, const HostConfiguration& configuration, TickScale scale, Other other);
  // Connections that are left are reset.
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // One round on the network's side: takes a burst to its connections. Frames taken, and whether
  // there was work.
  OffloadPort::Received receive();
  // Sends what connections have to send, and runs timers that are due: after each round, and after
  // connections were used.
  void flush();
  // False: frames wait because the peer's ring is full.
  bool sent_all() const { return waiting_begin_ == waiting_.size(); }

  // The time of this round, read anew by receive().
  Nanoseconds now() const { return now_; }
  void read_clock() { now_ = {scale_.to_ns(ticks_now())}; }

  // A connection from the address of that index to the peer, with its SYN on its way; nullptr: no
  // port is left for now, or no memory. Events are told to `owner`.
  net::tcp::Connection* connect(uint32_t address, uint16_t port, net::tcp::Owner& owner);

  net::tcp::Stack& stack() { return *stack_; }
  const net::tcp::Statistics& statistics() { return stack_->domain().statistics; }

 private:
  static bool send(void* self, net::PacketBuffer* frame, const net::tcp::FlowKey& key,
                   const net::tcp::SegmentToSend& segment);
  static bool ready(void* self);
  void write_headers(net::PacketBuffer& frame, const net::tcp::FlowKey& key,
                     const net::tcp::SegmentToSend& segment);
  void transmit();
  bool deliver(net::PacketBuffer* frame);

  OffloadPort& port_;
  HostConfiguration configuration_;
  TickScale scale_;
  Other other_;
  Nanoseconds now_{};
  Nanoseconds timers_looked_at_{};
  AddressRange own_;
  uint32_t peer_address_;
  const bool completes_checksums_;
  uint16_t identification_ = 0;
  size_t pages_out_ = 0;
  net::QueueMemory memory_;
  std::unique_ptr<net::tcp::Stack> stack_;
  // Frames on their way to the port, by queue, from waiting_begin_ on.
  std::vector<net::PacketBuffer*> waiting_;
  std::vector<uint16_t> queue_of_;
  size_t waiting_begin_ = 0;
  std::array<net::PacketBuffer*, Port::kMaximumBurst> received_;
};

}  // namespace plumbline::generator
