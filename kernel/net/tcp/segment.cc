#include "net/tcp/segment.hh"

#include "net/frame_bytes.hh"

namespace plumbline::net::tcp {

namespace {

// Reads one option of known kind whose whole length lies at `at`.
void read_option(const std::byte* at, uint8_t kind, uint8_t length, Segment::Options& options) {
  switch (kind) {
    case tcp_options::kMaximumSegmentSize:
      if (length == tcp_options::kMaximumSegmentSizeLength) options.mss = load_be16(at + 2);
      break;
    case tcp_options::kWindowScale:
      // RFC 7323, section 2.3: what is greater than 14 counts as 14.
      if (length == tcp_options::kWindowScaleLength)
        options.window_scale =
            static_cast<int8_t>(static_cast<uint8_t>(at[2]) < TcpHeader::kMaximumWindowScale
                                    ? static_cast<uint8_t>(at[2])
                                    : TcpHeader::kMaximumWindowScale);
      break;
    case tcp_options::kSackPermitted:
      if (length == tcp_options::kSackPermittedLength) options.sack_permitted = true;
      break;
    case tcp_options::kSack: {
      const unsigned blocks = length / tcp_options::kSackBlockLength;
      if (length != 2 + blocks * tcp_options::kSackBlockLength ||
          blocks > Segment::Options::kMaximumSackBlocks)
        break;
      options.sack_count = static_cast<uint8_t>(blocks);
      for (unsigned i = 0; i < blocks; ++i) {
        const std::byte* const block = at + 2 + i * tcp_options::kSackBlockLength;
        options.sack[i] = {{load_be32(block)}, {load_be32(block + 4)}};
      }
      break;
    }
    case tcp_options::kTimestamps:
      if (length == tcp_options::kTimestampsLength) {
        options.has_timestamp = true;
        options.timestamp_value = load_be32(at + 2);
        options.timestamp_echo = load_be32(at + 6);
      }
      break;
    default:
      break;
  }
}

void read_options(const std::byte* at, unsigned left, Segment::Options& options) {
  while (left != 0) {
    const auto kind = static_cast<uint8_t>(at[0]);
    if (kind == tcp_options::kEnd) return;
    if (kind == tcp_options::kNoOperation) {
      ++at;
      --left;
      continue;
    }
    if (left < 2) return;
    const auto length = static_cast<uint8_t>(at[1]);
    if (length < 2 || length > left) return;
    read_option(at, kind, length, options);
    at += length;
    left -= length;
  }
}

}  // namespace

bool parse_segment(PacketBuffer& frame, uint32_t offset, uint32_t length, Segment& segment,
                   FlowKey& key) {
  if (offset > frame.length) return false;
  uint32_t in_first = frame.length - offset;
  if (length > in_first) [[unlikely]] {
    uint64_t there = in_first;
    for (const PacketBuffer* rest = frame.next; rest != nullptr; rest = rest->next)
      there += rest->length;
    if (length > there) return false;
  } else {
    in_first = length;  // what follows is the link's padding
  }
  const std::byte* const at = frame.data + offset;
  const auto header = TcpHeader::parse({at, in_first});
  if (!header) return false;
  segment.sequence = {header->sequence};
  segment.acknowledgement = {header->acknowledgement};
  segment.window = header->window;
  segment.flags = header->flags;
  segment.congestion_experienced = false;
  segment.frame = &frame;
  segment.payload_offset = offset + header->header_length;
  segment.length = length - header->header_length;
  segment.coalesced = 1;
  segment.segment_size = 0;
  key.local_port = header->destination_port;
  key.remote_port = header->source_port;

  Segment::Options& options = segment.options;
  options.mss = 0;
  options.window_scale = -1;
  options.sack_permitted = false;
  options.has_timestamp = false;
  options.sack_count = 0;
  const std::byte* const options_at = at + TcpHeader::kSize;
  const unsigned options_length = header->header_length - unsigned{TcpHeader::kSize};
  // Nearly every segment of a connection has exactly this.
  if (options_length == tcp_options::kPaddedTimestampsLength &&
      load_be32(options_at) == tcp_options::kPaddedTimestamps) [[likely]] {
    options.has_timestamp = true;
    options.timestamp_value = load_be32(options_at + 4);
    options.timestamp_echo = load_be32(options_at + 8);
  } else if (options_length != 0) {
    read_options(options_at, options_length, options);
  }
  return true;
}

bool verify_checksum(const PacketBuffer& frame, uint32_t offset, uint32_t length,
                     const FlowKey& key) {
  const auto sum = sum_frame(frame, offset, length, tcp_pseudo_sum(key.remote, key.local, length));
  return sum && finish_checksum(*sum) == 0;
}

}  // namespace plumbline::net::tcp
