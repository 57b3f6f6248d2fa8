// Neighbouring segments of a flow become one before the state machine sees them (generic receive
// offload), for devices that do not join them themselves.
#pragma once

#include <array>
#include <cstdint>

#include "net/tcp/segment.hh"

namespace plumbline::net::tcp {

struct CoalescingStatistics {
  uint64_t segments = 0;  // came in
  uint64_t joined = 0;    // were put behind another
};

// Segments on their way from the IP layer to the stack, within one burst. A segment waits for its
// neighbours only when it announces some: it is full of data and has no PSH. Everything that means
// more than data (SYN, FIN, RST, URG, ECE, CWR, other options, another window or acknowledgement)
// goes on by itself, behind what waits of its flow; nothing overtakes within a flow.
class Coalescing {
 public:
  // Takes the segment's frame over; the segment is valid during the call.
  using Deliver = void (*)(void* context, const FlowKey& key, Segment& segment);

  Coalescing(Deliver receiver, void* context) : deliver_(receiver), context_(context) {}
  Coalescing(const Coalescing&) = delete;
  Coalescing& operator=(const Coalescing&) = delete;

  // Takes a segment that was parsed and whose checksum is right.
  void add(const FlowKey& key, Segment& segment) {
    ++statistics_.segments;
    // Most bursts are requests and acknowledgements: nothing waits, nothing will.
    if (waiting_ == 0 && !may_wait(segment)) [[likely]] {
      deliver_(context_, key, segment);
      return;
    }
    add_any(key, segment);
  }
  // Delivers what waits: at the end of each burst.
  void flush() {
    if (waiting_ != 0) [[unlikely]]
      flush_all();
  }

  const CoalescingStatistics& statistics() const { return statistics_; }

 private:
  // Flows that can have a segment waiting; of two that share a slot one waits.
  static constexpr unsigned kSlots = 8;
  // Payload of a joined segment: as much as one packet can state, headers included.
  static constexpr uint32_t kMostPayload = 65535 - 40 - 60;

  struct Slot {
    FlowKey key;
    Segment segment;
    PacketBuffer* last = nullptr;  // of its frame's buffers; nullptr: the slot is free
    uint32_t segment_size = 0;     // payload of the first; only the last may have less
  };

  static bool may_wait(const Segment& segment) {
    return segment.flags == tcp_flags::kAck && segment.length != 0;
  }
  static bool joins(const Slot& slot, const Segment& segment);
  static void join(Slot& slot, const Segment& segment);
  void add_any(const FlowKey& key, Segment& segment);
  void deliver(Slot& slot);
  void flush_all();

  Deliver deliver_;
  void* context_;
  unsigned waiting_ = 0;
  std::array<Slot, kSlots> slots_;
  CoalescingStatistics statistics_;
};

}  // namespace plumbline::net::tcp
