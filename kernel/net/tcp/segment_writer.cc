// Headers and options, in front of a payload (RFC 9293 section 3.1).
#include "net/tcp/segment_writer.hh"

#include <algorithm>
#include <array>

#include "net/tcp/short_way.hh"

namespace plumbline::net::tcp {

using namespace tcp_flags;
using namespace tcp_options;

void SegmentWriter::start(uint8_t flags, bool sack) {
  flags_ = flags;
  unsigned length = connection_.plain_header();
  if (sack && connection_.wants_sack()) [[unlikely]] {
    sack_count_ = connection_.choose_sack(sack_);
    if (sack_count_ != 0) length += 4 + kSackBlockLength * sack_count_;
  }
  segment_.header = static_cast<uint16_t>(length);
}

void SegmentWriter::send(PacketBuffer* frame, Sequence sequence, uint32_t payload) {
  Connection& connection = connection_;
  Domain& domain = *connection.domain_;
  frame->data += domain.header_room;
  frame->length -= domain.header_room;
  segment_.payload = payload;
  if (connection.echo_congestion_) flags_ |= kEce;
  std::byte* const at =
      connection.write_header(frame->data, flags_, sequence, segment_.header, now_);
  if (sack_count_ != 0) [[unlikely]]
    write_sack(at);
  const uint32_t count = segment_.segment_size == 0
                             ? 1
                             : (payload + segment_.segment_size - 1) / segment_.segment_size;
  connection.counters_.segments_sent += count;
  domain.statistics.segments_sent += count;
  domain.send(domain.below, frame, connection.key, segment_);
}

// NOP, NOP in front keeps the blocks aligned (RFC 2018 section 3; RFC 7323, appendix A).
void SegmentWriter::write_sack(std::byte* at) {
  const auto length = static_cast<uint8_t>(2 + kSackBlockLength * sack_count_);
  store_be32(at, uint32_t{kNoOperation} << 24 | uint32_t{kNoOperation} << 16 |
                     uint32_t{kSack} << 8 | length);
  for (unsigned i = 0; i < sack_count_; ++i) {
    store_be32(at + 4 + 8 * i, sack_[i].begin.value);
    store_be32(at + 8 + 8 * i, sack_[i].end.value);
  }
}

bool Connection::wants_sack() const {
  return selective_ &&
         (duplicate_ || receive_queue_.has_out_of_order() || (peer_fin_known_ && !peer_closed_));
}

// The blocks of a SACK option: what arrived twice, once (RFC 2883 section 4), then what is held
// behind gaps, the latest first (RFC 2018 section 4). With timestamps three fit.
unsigned Connection::choose_sack(std::array<SequenceRange, 4>& blocks) {
  unsigned count = 0;
  if (duplicate_) {
    blocks[count++] = duplicate_range_;
    duplicate_ = false;
  }
  std::array<OffsetRange, 3> ranges;
  const unsigned found =
      receive_queue_.has_out_of_order() ? receive_queue_.out_of_order(ranges) : 0;
  // A FIN behind a gap has its number. It is what a tail loss probe often brings, and without a
  // block for it the sender could only wait for its time-out.
  bool fin = peer_fin_known_ && !peer_closed_;
  for (unsigned i = 0; i < found && count < 3; ++i) {
    SequenceRange& block = blocks[count++];
    block = {receive_next_ + ranges[i].begin, receive_next_ + ranges[i].end};
    if (fin && block.end == peer_fin_) {
      block.end += 1;
      fin = false;
    }
  }
  if (fin && count < 3) blocks[count++] = {peer_fin_, peer_fin_ + 1};
  return count;
}

// SYN, or SYN, ACK in SYN-RECEIVED, with everything that can be agreed.
void Connection::send_syn(Nanoseconds now) {
  std::array<std::byte, TcpHeader::kMaximumSize> bytes;
  std::byte* at = bytes.data() + TcpHeader::kSize;
  store_be32(at, uint32_t{kMaximumSegmentSize} << 24 | uint32_t{kMaximumSegmentSizeLength} << 16 |
                     own_mss());
  at += 4;
  if (timestamps_) {
    store_be32(at, selective_
                       ? uint32_t{kSackPermitted} << 24 | uint32_t{kSackPermittedLength} << 16 |
                             uint32_t{kTimestamps} << 8 | kTimestampsLength
                       : kPaddedTimestamps);
    store_be32(at + 4, timestamp(now, timestamp_offset_));
    store_be32(at + 8, recent_timestamp_);
    at += 12;
  } else if (selective_) {
    store_be32(at, uint32_t{kNoOperation} << 24 | uint32_t{kNoOperation} << 16 |
                       uint32_t{kSackPermitted} << 8 | kSackPermittedLength);
    at += 4;
  }
  if (scaled_) {
    store_be32(at, uint32_t{kNoOperation} << 24 | uint32_t{kWindowScale} << 16 |
                       uint32_t{kWindowScaleLength} << 8 | receive_scale_);
    at += 4;
  }
  TcpHeader header;
  header.source_port = key.local_port;
  header.destination_port = key.remote_port;
  header.sequence = (send_next_ - 1).value;
  header.header_length = static_cast<uint8_t>(at - bytes.data());
  header.flags = kSyn;
  header.window = syn_window();
  if (state_ == State::kSynReceived) {
    header.flags |= kAck;
    header.acknowledgement = receive_next_.value;
    last_acknowledged_ = receive_next_;
    acknowledge_now_ = false;
  } else if (ecn_) {
    header.flags |= kEce | kCwr;  // RFC 3168 section 6.1.1
  }
  header.emit(bytes.data());
  send_control({bytes.data(), at}, now);
}

// The RST of a connection that both ends know: its number is what the peer expects next.
void Connection::send_reset(Nanoseconds now) {
  TcpHeader header;
  header.sequence = send_next_.value;
  header.acknowledgement = receive_next_.value;
  header.flags = kRst | kAck;
  send_reset_with(header, now);
}

// "<SEQ=SEG.ACK><CTL=RST>" (section 3.10.7.3): for a segment of another connection of these ends.
void Connection::send_reset_for(const Segment& segment, Nanoseconds now) {
  if (segment.has(kRst)) return;
  TcpHeader header;
  header.sequence = segment.acknowledgement.value;
  header.flags = kRst;
  send_reset_with(header, now);
}

void Connection::send_reset_with(TcpHeader& header, Nanoseconds now) {
  ++domain_->statistics.resets_sent;
  std::array<std::byte, TcpHeader::kSize> bytes;
  header.source_port = key.local_port;
  header.destination_port = key.remote_port;
  header.emit(bytes.data());
  send_control(bytes, now);
}

// Sends a header with its options that is complete.
void Connection::send_control(std::span<const std::byte> header, Nanoseconds now) {
  PacketBuffer* const frame = domain_->memory->allocate_control(
      domain_->header_room + static_cast<uint32_t>(header.size()));
  if (frame == nullptr) {
    ++domain_->statistics.no_buffer;
    return;
  }
  frame->data += domain_->header_room;
  frame->length -= domain_->header_room;
  std::copy(header.begin(), header.end(), frame->data);
  SegmentToSend segment;
  segment.header = static_cast<uint16_t>(header.size());
  segment.traffic_class = traffic_class_;
  segment.hop_limit = hop_limit_;
  segment.route = &route_;
  ++counters_.segments_sent;
  ++domain_->statistics.segments_sent;
  domain_->send(domain_->below, frame, key, segment);
}

}  // namespace plumbline::net::tcp
