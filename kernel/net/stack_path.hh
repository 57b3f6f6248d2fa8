// What a TCP stack stands on: memory for its queues, the loopback, and the interface of its queue
// pair, where there is one.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include "net/frame_channel.hh"
#include "net/interface.hh"
#include "net/loopback.hh"
#include "net/queue_memory.hh"
#include "net/tcp/stack.hh"

namespace plumbline::net {

class StackPath {
 public:
  struct Configuration {
    // Of the device, or of nothing but the loopback.
    BufferPool* pool = nullptr;
    tcp::MemorySource memory;
    QueueMemory::PhysicalAddressOf physical = nullptr;
    // Bytes that the data of all connections may take.
    size_t most_bytes = 64 * kMiB;
    tcp::SipHashKey secret;
    // Which of how many stacks of the host.
    uint16_t number = 0;
    uint16_t count = 1;
    // Null: there is only the loopback.
    Interface* interface = nullptr;
    Transmit* out = nullptr;
    // Whether the device, `device`, takes more data now; null: always.
    bool (*ready)(void* device) = nullptr;
    void* device = nullptr;
    tcp::SegmentedPayload maximum_payload;
  };

  // Must stay where it is.
  StackPath(const Configuration& configuration, Nanoseconds now);
  StackPath(const StackPath&) = delete;
  StackPath& operator=(const StackPath&) = delete;

  tcp::Stack& stack() { return stack_; }
  QueueMemory& memory() { return memory_; }

  // The time of the frames that the interface is about to handle.
  void begin(Nanoseconds now) { now_ = now; }
  // Sends what connections want to send, and lets them answer over the loopback. True when that
  // goes on: call it again, after others had their turn.
  bool finish(Nanoseconds now) {
    stack_.flush(now);
    if (!loopback_.empty()) [[unlikely]]
      return finish_loopback(now);
    if (out_ != nullptr && out_->size() != 0) out_->flush();
    return false;
  }
  // Runs the timers that are due.
  void run_timers(Nanoseconds now);

  // ---- Several stacks of one host, each used on a CPU of its own --------------------------------

  static constexpr unsigned kMostStacks = 8;
  // The way to the stack of that number. Both stay for ever.
  void set_channel(unsigned stack, FrameChannel& to) { channels_[stack] = &to; }
  // A bit a stack: frames were sent there since the last call.
  uint32_t take_forwarded() { return std::exchange(forwarded_, 0); }
  bool has_forwarded() const { return forwarded_ != 0; }
  // Buffers that came back from other stacks.
  void collect_buffers() {
    for (FrameChannel* const channel : channels_) {
      if (channel != nullptr) channel->take_back();
    }
  }
  // Handles frames that another stack has forwarded; the interface is of this one.
  void receive_forwarded(std::span<PacketBuffer* const> frames, Nanoseconds now);

  bool is_local(const IpAddress& address) const {
    if (address.is_v4()) return address == own_ || address.is_loopback();
    return address.is_loopback() || (interface_ != nullptr && interface_->is_own_v6(address));
  }

 private:
  static bool send(void* path, PacketBuffer* frame, const tcp::FlowKey& key,
                   const tcp::SegmentToSend& segment);
  // Over the loopback or over IPv6.
  bool send_otherwise(PacketBuffer* frame, const tcp::FlowKey& key,
                      const tcp::SegmentToSend& segment);
  static uint16_t mtu(void* path, const tcp::FlowKey& key);
  static void receive(void* path, PacketBuffer* frame, uint32_t offset, uint32_t length,
                      const tcp::FlowKey& addresses, bool congestion_experienced);
  static bool report(void* path, const IcmpError& error);
  static tcp::StackConfiguration configure(const Configuration& configuration, StackPath& path);
  static bool forward(void* path, PacketBuffer* frame, unsigned stack);
  bool finish_loopback(Nanoseconds now);

  Interface* interface_;
  Transmit* out_;
  bool (*ready_)(void* device);
  void* device_;
  IpAddress own_;
  Nanoseconds now_{};
  QueueMemory memory_;
  Loopback loopback_;
  tcp::Stack stack_;
  std::array<FrameChannel*, kMostStacks> channels_{};
  uint32_t forwarded_ = 0;
};

}  // namespace plumbline::net
