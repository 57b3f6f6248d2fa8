// The network for programs: the same queue pairs and protocols as for native applications, but any
// thread may send, and ports come and go. Kernel only.
#pragma once

#include <span>

#include "core/result.hh"
#include "core/units.hh"
#include "net/interface.hh"
#include "net/tcp/stack.hh"

namespace plumbline::net {

inline constexpr unsigned kMostProgramQueues = 8;

// Who takes what arrives.
struct ProgramService {
  // Sets the handlers of one queue's interface, before it is served. They are called with the
  // queue's lock held, masked: they may wake threads, not block.
  void (*attach)(unsigned queue, Interface& interface);
  // After a burst of a queue, without locks; may be called at the same time for one queue.
  void (*burst_handled)(unsigned queue);
};

// TCP over the same queues; without a device there is one stack with a loopback. Called once, after
// start_program_network(). kENOMEM.
Status start_program_tcp();
// Stacks of TCP, one for each queue, and the one whose frames come to this CPU.
unsigned program_stack_count();
unsigned local_program_stack();

// Holds a queue with its stack for a thread: masked, not to block. Takes no lock on the queue's own
// CPU. At the end what connections want to send is with the device.
class [[nodiscard]] StackHold {
 public:
  explicit StackHold(unsigned stack);
  ~StackHold();
  StackHold(const StackHold&) = delete;
  StackHold& operator=(const StackHold&) = delete;

  tcp::Stack& stack();
  Nanoseconds now() const { return now_; }

  // Whether the queue is another CPU's.
  bool visits() const;
  // With net=zerocopy: hands a connection of this stack to this CPU's, if that can be done now, and
  // says which that is; below 0: it was not done.
  int move_here(tcp::Connection& connection);

 private:
  struct ProgramQueue& queue_;
  Nanoseconds now_;
};

// Prepares and starts to serve, if there is a device: a thread for each queue pair, on the CPU that
// gets its interrupts. They poll while nothing else is runnable there, and give way as soon as
// something is. Called once. Null: there is no device, or what the network is like.
const InterfaceConfiguration* start_program_network(const ProgramService& service);

// Sends a datagram through a queue of this CPU. False when it was dropped. Any thread; does not
// sleep. The frame is with the device on return: a program that goes on computing delays nobody.
bool send_from_program(uint16_t source_port, UdpEndpoint to, std::span<const std::byte> payload,
                       const UdpSendOptions& options);

// The same for what Interface::make_datagram() can send. `write` is called with the queue's lock
// held, masked: it must not block. The bytes sent, or below 0: none, send_from_program() is the
// way.
ptrdiff_t send_from_program_at_once(uint16_t source_port, UdpEndpoint to,
                                    Interface::PayloadWriter write, void* context);

// Handles what has arrived at this CPU's queue, if something has and nobody is at it: for threads
// that found nothing where they wanted to read, before they give up or sleep. A program that is
// busy answering then never waits for a thread switch. True when something was handled.
bool receive_for_program();

}  // namespace plumbline::net
