#include "net/tcp/control_segment.hh"

#include <algorithm>

#include "net/queue_memory.hh"

namespace plumbline::net::tcp {

using namespace tcp_flags;
using namespace tcp_options;

namespace {

constexpr uint32_t word(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  return uint32_t{a} << 24 | uint32_t{b} << 16 | uint32_t{c} << 8 | d;
}

// A buffer with `bytes` to be written at its data: the received one where that is a device buffer
// that nobody else has, else a new one. nullptr: none.
PacketBuffer* take_frame(QueueMemory& memory, PacketBuffer* received, uint32_t bytes) {
  if (received != nullptr) {
    release_chain(received->next);
    received->next = nullptr;
    if (received->source == &memory.pool() && received->references == 1) {
      received->reset();
      received->length = bytes;
      return received;
    }
    release(received);
  }
  return memory.allocate_control(bytes);
}

}  // namespace

void ControlSegment::add_timestamps(uint32_t value, uint32_t echo) {
  std::byte* const at = options_.data() + options_length_;
  store_be32(at, kPaddedTimestamps);
  store_be32(at + 4, value);
  store_be32(at + 8, echo);
  options_length_ += kPaddedTimestampsLength;
}

void ControlSegment::add_agreed(const Handshake& agreed, uint16_t mss, uint32_t timestamp) {
  std::byte* const at = options_.data();
  store_be32(at, word(kMaximumSegmentSize, kMaximumSegmentSizeLength,
                      static_cast<uint8_t>(mss >> 8), static_cast<uint8_t>(mss)));
  options_length_ = 4;
  if (agreed.timestamps) {
    add_timestamps(timestamp, agreed.recent_timestamp);
    // In the place of the two that do nothing.
    if (agreed.selective)
      store_be32(at + 4,
                 word(kSackPermitted, kSackPermittedLength, kTimestamps, kTimestampsLength));
  } else if (agreed.selective) {
    store_be32(at + options_length_,
               word(kNoOperation, kNoOperation, kSackPermitted, kSackPermittedLength));
    options_length_ += 4;
  }
  if (agreed.send_scale >= 0) {
    store_be32(at + options_length_,
               word(kNoOperation, kWindowScale, kWindowScaleLength, agreed.receive_scale));
    options_length_ += 4;
  }
}

void ControlSegment::send(Domain& domain, PacketBuffer* received, const FlowKey& key) {
  header_.source_port = key.local_port;
  header_.destination_port = key.remote_port;
  header_.header_length = static_cast<uint8_t>(TcpHeader::kSize + options_length_);
  PacketBuffer* const frame =
      take_frame(*domain.memory, received, domain.header_room + uint32_t{header_.header_length});
  if (frame == nullptr) {
    ++domain.statistics.no_buffer;
    return;
  }
  frame->data += domain.header_room;
  frame->length -= domain.header_room;
  header_.emit(frame->data);
  std::copy_n(options_.data(), options_length_, frame->data + TcpHeader::kSize);
  ++domain.statistics.segments_sent;
  SegmentToSend segment;
  segment.header = header_.header_length;
  segment.traffic_class = traffic_class_;
  segment.hop_limit = hop_limit_;
  domain.send(domain.below, frame, key, segment);
}

ControlSegment reset_for(const Segment& segment) {
  if (segment.has(kAck)) return {kRst, segment.acknowledgement, {}};
  return {kRst | kAck, {}, segment.end()};
}

uint16_t own_mss(const FlowKey& key, uint16_t mtu, uint16_t most) {
  constexpr unsigned kIpv6HeaderSize = 40;
  const unsigned headers =
      TcpHeader::kSize + (key.remote.is_v4() ? unsigned{Ipv4Header::kSize} : kIpv6HeaderSize);
  const auto fits = static_cast<uint16_t>(mtu > headers ? mtu - headers : 0);
  return most != 0 ? std::min(fits, most) : fits;
}

}  // namespace plumbline::net::tcp
