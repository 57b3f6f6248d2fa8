// Writes the header of one segment in front of its payload, and sends it.
#pragma once

#include <array>

#include "net/tcp/connection.hh"

namespace plumbline::net::tcp {

// start(), then a frame with room() bytes of headers to be written at its `data`, then send().
class SegmentWriter {
 public:
  SegmentWriter(Connection& connection, Nanoseconds now) : connection_(connection), now_(now) {
    segment_.traffic_class = connection.traffic_class_;
    segment_.hop_limit = connection.hop_limit_;
    segment_.route = &connection.route_;
  }

  // Bytes that three SACK blocks with their kind, length and padding take.
  static constexpr uint32_t kSackRoom = 28;

  // Chooses the options; `sack`: kSackRoom bytes of them may be SACK blocks.
  void start(uint8_t flags, bool sack);
  void add(uint8_t flags) { flags_ |= flags; }
  // Bytes of headers, the IP layer's included.
  uint32_t room() const { return connection_.domain_->header_room + segment_.header; }
  SegmentToSend& segment() { return segment_; }
  // Takes the frame over.
  void send(PacketBuffer* frame, Sequence sequence, uint32_t payload);

 private:
  void write_sack(std::byte* at);

  Connection& connection_;
  Nanoseconds now_;
  SegmentToSend segment_;
  uint8_t flags_ = 0;
  uint8_t sack_count_ = 0;
  std::array<SequenceRange, 4> sack_;
};

}  // namespace plumbline::net::tcp
