#include "vring/frame_send_ring.hh"

#include <algorithm>
#include <bit>
#include <cstring>

#include "net/frame_bytes.hh"

namespace plumbline::generator {

namespace {

constexpr size_t kLine = 64;
// Buffers ahead whose first lines are asked for writing.
constexpr uint16_t kAhead = 16;

// Writes bytes into segments, one after the other.
class Cursor {
 public:
  explicit Cursor(const Segment* segment) : segment_(segment) {}
  void write(const void* bytes, size_t count) {
    const auto* from = static_cast<const uint8_t*>(bytes);
    while (count > 0) {
      const size_t part = std::min<size_t>(count, segment_->bytes - at_);
      std::memcpy(segment_->data + at_, from, part);
      from += part;
      count -= part;
      at_ += part;
      if (at_ < segment_->bytes) return;
      ++segment_;
      at_ = 0;
    }
  }

 private:
  const Segment* segment_;
  size_t at_ = 0;
};

}  // namespace

// Finds the entries for so many bytes. Entries that are no use are given back as they are found,
// which they can be only while none before them is held: behind one, they end the search, and the
// frame has to be one that fits.
bool FrameSendRing::collect(uint32_t bytes) {
  entry_count_ = 0;
  segment_count_ = 0;
  uint32_t room = 0;
  uint16_t number = position_;
  while (room < bytes) {
    if (entry_count_ == most_buffers_) return false;
    if (number == known_) {
      known_ = static_cast<uint16_t>(number + ring_.available_beyond(number));
      if (number == known_) return false;
    }
    const uint16_t head = ring_.head_at(number++);
    Entry& entry = entries_[entry_count_];
    entry = {head, 0};
    if (const std::optional<Segment> buffer = ring_.single(head, true)) [[likely]] {
      if (segment_count_ == kMostSegments) return false;
      segments_[segment_count_++] = *buffer;
      entry.bytes = buffer->bytes;
    } else if (const std::optional<SplitVring::Chain> chain = ring_.chain(head, true)) {
      if (segment_count_ + chain->count > kMostSegments) return false;
      std::copy_n(chain->segments.begin(), chain->count, segments_.begin() + segment_count_);
      segment_count_ = static_cast<uint16_t>(segment_count_ + chain->count);
      entry.bytes = static_cast<uint32_t>(std::min<uint64_t>(chain->bytes, UINT32_MAX));
    }
    // The first one has to hold the header, alone one without merging the whole frame.
    const bool useless =
        entry.bytes < ring_.header_bytes() || (most_buffers_ == 1 && entry.bytes < bytes);
    if (!useless) {
      room += std::min(entry.bytes, bytes);
      ++entry_count_;
      continue;
    }
    if (entry_count_ != 0) return false;
    segment_count_ = 0;
    ring_.put_used(head, 0);
    ring_.took(1);
    position_ = number;
  }
  return true;
}

bool FrameSendRing::write(const net::PacketBuffer& frame) {
  const uint32_t bytes = net::frame_length(&frame);
  const uint16_t header_bytes = ring_.header_bytes();
  if (!collect(bytes + header_bytes)) return false;
  NetHeader header = header_for(frame);
  header.buffers = entry_count_;
  static_assert(std::endian::native == std::endian::little);
  Cursor cursor(segments_.data());
  cursor.write(&header, header_bytes);
  for (const net::PacketBuffer* piece = &frame; piece != nullptr; piece = piece->next)
    cursor.write(piece->data, piece->length);
  uint32_t left = bytes + header_bytes;
  for (uint16_t i = 0; i < entry_count_; ++i) {
    const uint32_t used = std::min(left, entries_[i].bytes);
    ring_.put_used(entries_[i].head, used);
    left -= used;
  }
  ring_.took(entry_count_);
  position_ = static_cast<uint16_t>(position_ + entry_count_);
  fetch_ahead();
  return true;
}

// The guest has written descriptors and read buffers last: both are in its core's cache.
void FrameSendRing::fetch_ahead() {
  const auto ahead = [this](uint16_t number) { return static_cast<uint16_t>(number - position_); };
  if (ahead(fetched_) > kAhead) fetched_ = position_;  // it was overtaken
  const auto left = static_cast<uint16_t>(known_ - position_);
  const uint16_t end = static_cast<uint16_t>(position_ + std::min(left, kAhead));
  for (; ahead(fetched_) < ahead(end); ++fetched_) {
    const std::optional<Segment> buffer = ring_.single(ring_.head_at(fetched_), true);
    if (!buffer) continue;
    __builtin_prefetch(buffer->data, 1);
    __builtin_prefetch(buffer->data + kLine, 1);
  }
}

}  // namespace plumbline::generator
