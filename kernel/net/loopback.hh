// The way of a segment from this host to itself, without a device.
//
// Frames wait here until the stack that sent them has time for them: a segment is never handled
// while another is, however short the way. Each stack talks to itself, so that both ends of a
// connection over the loopback belong to one domain.
#pragma once

#include <cstdint>

#include "net/packet_buffer.hh"
#include "net/queue_memory.hh"
#include "net/tcp/domain.hh"
#include "net/tcp/stack.hh"

namespace plumbline::net {

class Loopback {
 public:
  // Bytes of an IP packet, as Linux has it.
  static constexpr uint32_t kMtu = 65535;
  // Bytes that must be free in front of a frame's data: what is kept of it lies there.
  static constexpr uint32_t kHeaderRoom = 56;

  explicit Loopback(QueueMemory& memory) : memory_(memory) {}
  Loopback(const Loopback&) = delete;
  Loopback& operator=(const Loopback&) = delete;
  ~Loopback();

  // Takes a frame over, with a TCP header at its data and kHeaderRoom bytes free in front of it.
  // False: dropped, there is no memory.
  bool send(PacketBuffer* frame, const tcp::FlowKey& key, const tcp::SegmentToSend& segment);
  // Gives the stack what waits, and what it sends because of that, until nothing is left or so many
  // have been handled. True when something is left.
  bool deliver(tcp::Stack& stack, Nanoseconds now, unsigned most);
  bool empty() const { return first_ == nullptr; }

 private:
  PacketBuffer* copy(PacketBuffer* frame);

  QueueMemory& memory_;
  PacketBuffer* first_ = nullptr;
  PacketBuffer* last_ = nullptr;
};

}  // namespace plumbline::net
