// A simulated host: the real stack of TCP on memory of its own, with a network card that collects
// frames into bursts and cuts large ones, and stream sockets for applications.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "net/queue_memory.hh"
#include "net/simulator/event_queue.hh"
#include "net/simulator/network_layer.hh"
#include "net/simulator/tcp_stream.hh"
#include "net/simulator/wire_judge.hh"
#include "net/tcp/stack.hh"
#include "net/test_network.hh"

namespace plumbline::net::simulator {

struct HostOptions {
  IpAddress address;
  uint16_t mtu = 1500;
  uint32_t segmentation = 0;      // bytes of payload that the card takes at once (TSO); 0: has none
  Nanoseconds interrupt_delay{};  // frames are collected for so long before they are handled
  size_t buffers = 2048;          // of the packet pool
  size_t page_bytes = 64 << 20;   // most memory for pages
  tcp::Settings settings;
  tcp::CongestionAlgorithm congestion = tcp::CongestionAlgorithm::kCubic;
};

class Host {
 public:
  // `transmit` puts a frame on the wire.
  Host(std::string name, Side side, EventQueue& queue, WireJudge& judge, Violations& violations,
       const HostOptions& options, Random random, std::function<void(Frame)> transmit);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // A frame arrives from the wire.
  void arrive(Frame frame);
  // ICMP: the path refused this frame of ours; packets of `mtu` bytes pass.
  void packet_too_big(const Frame& refused, uint32_t mtu);

  // Opens a connection. `before` is told the local port before anything is sent. nullptr, and a
  // violation, when that fails.
  TcpStream* connect(const IpAddress& to, uint16_t port, const StreamOptions& options,
                     const std::function<void(uint16_t)>& before);
  // Accepts connections: `accepted` is told of each, with the peer's port.
  void listen(uint16_t port, uint32_t backlog, std::function<void(TcpStream&, uint16_t)> accepted);
  // Ends the host. Nothing may be left of connections, buffers and memory. The stack is gone then.
  void finish();
  // Nothing is left but, perhaps, a listener.
  bool quiet() const;

  tcp::Stack& stack() { return *stack_; }
  const HostOptions& options() const { return options_; }
  EventQueue& queue() { return queue_; }
  WireJudge& judge() { return judge_; }
  Side side() const { return side_; }
  Violations& violations() { return violations_; }
  uint64_t overruns() const { return overruns_; }
  // What must follow every use of the stack: deferred output goes, its timer is set.
  void settle();

 private:
  static bool send(void* self, PacketBuffer* frame, const tcp::FlowKey& key,
                   const tcp::SegmentToSend& segment);
  void handle_burst();
  void run_timers();
  void accept_all();

  std::string name_;
  Side side_;
  EventQueue& queue_;
  WireJudge& judge_;
  Violations& violations_;
  HostOptions options_;
  std::function<void(Frame)> transmit_;
  NetworkLayer network_;
  AlignedMemory pool_memory_;
  BufferPool pool_;
  size_t pages_out_ = 0;
  std::optional<QueueMemory> memory_;
  std::unique_ptr<tcp::Stack> stack_;
  std::vector<tcp::ListenerQueue> listener_queues_{1};
  std::unique_ptr<tcp::Listener> listener_;
  std::function<void(TcpStream&, uint16_t)> accepted_;
  bool accept_queued_ = false;
  std::vector<Frame> arrived_;
  std::vector<Frame> to_send_;
  std::optional<Nanoseconds> timer_at_;
  std::list<TcpStream> streams_;
  uint64_t overruns_ = 0;
};

}  // namespace plumbline::net::simulator
