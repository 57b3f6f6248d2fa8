#include "vring/frame_receive_ring.hh"

#include <algorithm>
#include <cstring>

namespace plumbline::generator {

namespace {

constexpr size_t kLine = 64;
// So many entries ahead the bytes of a frame are asked for: a copy of a short frame takes about a
// third of the way of a cache line from another core.
constexpr uint16_t kAhead = 4;

}  // namespace

uint16_t FrameReceiveRing::take(FrameMemory& memory, std::span<net::PacketBuffer*, kBurst> to,
                                uint64_t& lost) {
  const uint16_t first = ring_.position().available;
  const uint16_t count = std::min<uint16_t>(ring_.available_beyond(first), kBurst);
  stirred_ = count != 0;
  if (count == 0) return 0;
  const auto number = [&](uint16_t i) { return static_cast<uint16_t>(first + i); };
  // The descriptors of the burst travel together, then the first lines of its frames.
  for (uint16_t i = 0; i < count; ++i) ring_.prefetch_descriptor_at(number(i));
  const auto fetch = [&](uint16_t i) {
    const std::optional<Segment> buffer = ring_.single(ring_.head_at(number(i)), false);
    if (!buffer) return;
    __builtin_prefetch(buffer->data);
    __builtin_prefetch(buffer->data + kLine);
  };
  for (uint16_t i = 0; i < std::min(count, kAhead); ++i) fetch(i);
  uint16_t taken = 0;
  for (uint16_t i = 0; i < count; ++i) {
    if (i + kAhead < count) fetch(static_cast<uint16_t>(i + kAhead));
    const uint16_t head = ring_.head_at(number(i));
    if (net::PacketBuffer* const frame = copy(memory, head))
      to[taken++] = frame;
    else
      ++lost;
    // The guest's transmit queue: nothing was written into its buffers.
    ring_.put_used(head, 0);
  }
  ring_.took(count);
  ring_.publish();
  return taken;
}

net::PacketBuffer* FrameReceiveRing::copy(FrameMemory& memory, uint16_t head) const {
  const uint16_t header_bytes = ring_.header_bytes();
  NetHeader header;
  net::PacketBuffer* frame = nullptr;
  const std::optional<Segment> buffer = ring_.single(head, false);
  if (buffer) [[likely]] {
    if (buffer->bytes <= header_bytes || buffer->bytes - header_bytes > FrameMemory::kMostBytes)
      return nullptr;
    header = read_header(buffer->data);
    frame = memory.allocate(buffer->bytes - header_bytes);
    if (frame == nullptr) return nullptr;
    std::memcpy(frame->data, buffer->data + header_bytes, frame->length);
  } else {
    const std::optional<SplitVring::Chain> chain = ring_.chain(head, false);
    if (!chain || chain->bytes <= header_bytes ||
        chain->bytes - header_bytes > FrameMemory::kMostBytes)
      return nullptr;
    frame = memory.allocate(static_cast<uint32_t>(chain->bytes - header_bytes));
    if (frame == nullptr) return nullptr;
    std::array<uint8_t, kLongHeader> raw{};
    size_t at = 0;  // bytes of header and frame so far
    std::byte* out = frame->data;
    for (size_t i = 0; i < chain->count; ++i) {
      const Segment& segment = chain->segments[i];
      const size_t of_header =
          at < header_bytes ? std::min<size_t>(header_bytes - at, segment.bytes) : 0;
      std::memcpy(raw.data() + std::min<size_t>(at, raw.size()), segment.data, of_header);
      std::memcpy(out, segment.data + of_header, segment.bytes - of_header);
      out += segment.bytes - of_header;
      at += segment.bytes;
    }
    header = read_header(raw.data());
  }
  describe(*frame, header);
  return frame;
}

}  // namespace plumbline::generator
