#include "vring/send_ring.hh"

#include <algorithm>
#include <bit>
#include <cstring>

namespace plumbline::generator {

namespace {

constexpr size_t kLine = 64;
constexpr size_t kNumBuffersOffset = kLegacyHeader;

}  // namespace

// Entries that are no use are given back, in the order in which the guest made them available: that
// needs none before them to be still in our hands. So one is passed over only when nothing is
// reserved, and otherwise ends the look ahead.
void SendRing::look_ahead() {
  if (end_ + kBurst > kSlots) {
    const auto left = static_cast<uint16_t>(end_ - begin_);
    std::copy_n(buffers_.begin() + begin_, left, buffers_.begin());
    std::copy_n(heads_.begin() + begin_, left, heads_.begin());
    std::copy_n(scattered_.begin() + begin_, left, scattered_.begin());
    // Buffers of our own go with their slot.
    for (uint16_t i = 0; i < left; ++i) {
      if (scattered_[i]) buffers_[i] = own_[i].data() + ring_.header_bytes();
    }
    begin_ = 0;
    end_ = left;
  }
  bool gave_back = false;
  while (end_ - begin_ < kBurst) {
    if (looked_up_ == known_) {
      known_ = static_cast<uint16_t>(looked_up_ + ring_.available_beyond(looked_up_));
      if (looked_up_ == known_) break;
      for (uint16_t ahead = looked_up_; ahead != known_ && ahead != fetched_until(); ++ahead)
        ring_.prefetch_descriptor_at(ahead);
    }
    if (static_cast<uint16_t>(known_ - looked_up_) > kBurst)
      ring_.prefetch_descriptor_at(fetched_until());
    const uint16_t head = ring_.head_at(looked_up_);
    if (!look_up(head)) {
      if (end_ != begin_) break;
      ring_.put_used(head, 0);
      ring_.took(1);
      gave_back = true;
    }
    ++looked_up_;
  }
  if (gave_back) ring_.publish();
}

bool SendRing::look_up(uint16_t head) {
  const size_t needed = kFrameBytes + ring_.header_bytes();
  const std::optional<Segment> buffer = ring_.single(head, true);
  if (buffer && buffer->bytes >= needed) [[likely]] {
    // Two lines hold the headers and a short request.
    __builtin_prefetch(buffer->data, 1);
    __builtin_prefetch(buffer->data + kLine, 1);
    buffers_[end_] = buffer->data + ring_.header_bytes();
    scattered_[end_] = false;
  } else {
    const std::optional<SplitVring::Chain> chain = ring_.chain(head, true);
    if (!chain || chain->bytes < needed) return false;
    if (!own_)
      own_ =
          std::make_unique_for_overwrite<std::array<uint8_t, kFrameBytes + kLongHeader>[]>(kSlots);
    buffers_[end_] = own_[end_].data() + ring_.header_bytes();
    scattered_[end_] = true;
  }
  heads_[end_++] = head;
  return true;
}

void SendRing::write_header(uint8_t* header) const {
  // No offload: the checksum needs nothing and nothing is segmented (5.1.6.4).
  std::memset(header, 0, kNumBuffersOffset);
  const uint16_t one_buffer = 1;
  static_assert(std::endian::native == std::endian::little);
  if (ring_.header_bytes() > kNumBuffersOffset)
    std::memcpy(header + kNumBuffersOffset, &one_buffer, sizeof one_buffer);
}

void SendRing::scatter(uint16_t slot, uint16_t bytes) {
  const uint8_t* from = own_[slot].data();
  size_t left = bytes;
  // Looked up again: nothing that was read from the guest is trusted for longer than a call.
  const std::optional<SplitVring::Chain> chain = ring_.chain(heads_[slot], true);
  if (!chain) return;
  for (size_t i = 0; i < chain->count && left > 0; ++i) {
    const size_t part = std::min<size_t>(left, chain->segments[i].bytes);
    std::memcpy(chain->segments[i].data, from, part);
    from += part;
    left -= part;
  }
}

void SendRing::commit(std::span<const uint16_t> bytes) {
  for (const uint16_t frame_bytes : bytes) {
    const auto whole = static_cast<uint16_t>(frame_bytes + ring_.header_bytes());
    write_header(buffers_[begin_] - ring_.header_bytes());
    if (scattered_[begin_]) [[unlikely]]
      scatter(begin_, whole);
    ring_.put_used(heads_[begin_++], whole);
  }
  ring_.took(static_cast<uint16_t>(bytes.size()));
  ring_.publish();
  look_ahead();
}

}  // namespace plumbline::generator
