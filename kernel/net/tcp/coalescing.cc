#include "net/tcp/coalescing.hh"

namespace plumbline::net::tcp {

namespace {

// Whether a segment has nothing but data and what its flow's segments all have. A frame of several
// buffers was joined by the device already.
bool is_plain(const Segment& segment) {
  const Segment::Options& options = segment.options;
  return segment.length != 0 &&
         (segment.flags & static_cast<uint8_t>(~tcp_flags::kPsh)) == tcp_flags::kAck &&
         options.sack_count == 0 && segment.frame->next == nullptr &&
         segment.payload_offset + segment.length <= segment.frame->length;
}

}  // namespace

bool Coalescing::joins(const Slot& slot, const Segment& segment) {
  const Segment& first = slot.segment;
  return is_plain(segment) && segment.sequence == first.sequence + first.length &&
         segment.acknowledgement == first.acknowledgement && segment.window == first.window &&
         segment.congestion_experienced == first.congestion_experienced &&
         segment.options.has_timestamp == first.options.has_timestamp &&
         (!segment.options.has_timestamp ||
          (segment.options.timestamp_value == first.options.timestamp_value &&
           segment.options.timestamp_echo == first.options.timestamp_echo)) &&
         segment.length <= slot.segment_size &&
         // The one before it was full.
         first.length == slot.segment_size * first.coalesced &&
         first.length + segment.length <= kMostPayload;
}

void Coalescing::join(Slot& slot, const Segment& segment) {
  PacketBuffer* const frame = segment.frame;
  // Behind the first only payload counts, without headers and the link's padding.
  frame->data += segment.payload_offset;
  frame->length = segment.length;
  slot.last->next = frame;
  slot.last = frame;
  slot.segment.length += segment.length;
  slot.segment.flags |= segment.flags;
  ++slot.segment.coalesced;
}

void Coalescing::add_any(const FlowKey& key, Segment& segment) {
  const uint64_t mixed = (key.ports_and_zone() ^ key.remote.words[1]) * 0x9e3779b97f4a7c15u;
  Slot& slot = slots_[mixed >> 61];
  static_assert(kSlots == 8);
  if (slot.last != nullptr) {
    const bool same_flow = slot.key == key;
    if (same_flow && joins(slot, segment)) {
      ++statistics_.joined;
      join(slot, segment);
      // A full one that pushes ends a message; a short one is never followed by one that joins.
      if (segment.has(tcp_flags::kPsh) || segment.length < slot.segment_size) deliver(slot);
      return;
    }
    // The younger of two flows waits: the older one's neighbours would mostly have come by now.
    if (same_flow || may_wait(segment)) deliver(slot);
  }
  if (slot.last != nullptr || !may_wait(segment) || !is_plain(segment)) {
    deliver_(context_, key, segment);
    return;
  }
  segment.frame->length = segment.payload_offset + segment.length;
  slot.key = key;
  slot.segment = segment;
  slot.last = segment.frame;
  slot.segment_size = segment.length;
  ++waiting_;
}

void Coalescing::deliver(Slot& slot) {
  if (slot.segment.coalesced > 1) {
    slot.segment.frame->checksum = ChecksumState::kJoined;
    slot.segment.frame->segment_size = static_cast<uint16_t>(slot.segment_size);
    slot.segment.segment_size = slot.segment.frame->segment_size;
  }
  slot.last = nullptr;
  --waiting_;
  deliver_(context_, slot.key, slot.segment);
}

void Coalescing::flush_all() {
  for (Slot& slot : slots_) {
    if (slot.last != nullptr) deliver(slot);
  }
}

}  // namespace plumbline::net::tcp
