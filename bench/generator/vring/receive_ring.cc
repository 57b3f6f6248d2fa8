#include "vring/receive_ring.hh"

#include <algorithm>
#include <cstring>

namespace plumbline::generator {

namespace {

constexpr size_t kLine = 64;

}  // namespace

std::span<const std::span<const uint8_t>> ReceiveRing::take() {
  const auto handed = std::min<uint16_t>(static_cast<uint16_t>(resolved_ - taken_), kBurst);
  const auto fetched =
      std::min<uint16_t>(static_cast<uint16_t>(seen_ - resolved_),
                         static_cast<uint16_t>(kBurst - (resolved_ - taken_ - handed)));
  for (uint16_t i = 0; i < fetched; ++i) resolve(resolved_++);

  const auto known = static_cast<uint16_t>(seen_ - resolved_);
  const uint16_t available = ring_.available_beyond(resolved_);
  const uint16_t now_seen = std::min<uint16_t>(available, kBurst);
  for (uint16_t i = known; i < now_seen; ++i)
    ring_.prefetch_descriptor_at(static_cast<uint16_t>(resolved_ + i));
  if (now_seen > known) seen_ = static_cast<uint16_t>(resolved_ + now_seen);

  stirred_ = handed != 0 || fetched != 0 || now_seen > known;
  for (uint16_t i = 0; i < handed; ++i) {
    const Slot& slot = slots_[static_cast<uint16_t>(taken_ + i) & (kSlots - 1)];
    frames_[i] = {slot.data, slot.bytes};
  }
  taken_ = static_cast<uint16_t>(taken_ + handed);
  return {frames_.data(), handed};
}

void ReceiveRing::resolve(uint16_t number) {
  Slot& slot = slots_[number & (kSlots - 1)];
  slot = {};
  slot.head = ring_.head_at(number);
  const std::optional<Segment> buffer = ring_.single(slot.head, false);
  if (buffer && buffer->bytes >= ring_.header_bytes() &&
      buffer->bytes - ring_.header_bytes() <= kGatheredBytes) [[likely]] {
    slot.data = buffer->data + ring_.header_bytes();
    slot.bytes = buffer->bytes - ring_.header_bytes();
    // Headers and the reply's first words: what is looked at of nearly every frame.
    __builtin_prefetch(slot.data);
    __builtin_prefetch(slot.data + kLine);
    return;
  }
  const std::span<const uint8_t> frame = gather(number, slot.head);
  slot.data = frame.data();
  slot.bytes = static_cast<uint32_t>(frame.size());
}

std::span<const uint8_t> ReceiveRing::gather(uint16_t number, uint16_t head) {
  const std::optional<SplitVring::Chain> chain = ring_.chain(head, false);
  if (!chain || chain->bytes < ring_.header_bytes() ||
      chain->bytes - ring_.header_bytes() > kGatheredBytes)
    return {};
  if (!gathered_)
    gathered_ = std::make_unique_for_overwrite<std::array<uint8_t, kGatheredBytes>[]>(kSlots);
  std::array<uint8_t, kGatheredBytes>& whole = gathered_[number & (kSlots - 1)];
  size_t skip = ring_.header_bytes();
  size_t filled = 0;
  for (size_t i = 0; i < chain->count; ++i) {
    const Segment& segment = chain->segments[i];
    const size_t skipped = std::min<size_t>(skip, segment.bytes);
    skip -= skipped;
    std::memcpy(whole.data() + filled, segment.data + skipped, segment.bytes - skipped);
    filled += segment.bytes - skipped;
  }
  return {whole.data(), filled};
}

void ReceiveRing::release() {
  const auto count = static_cast<uint16_t>(taken_ - released_);
  if (count == 0) return;
  for (; released_ != taken_; ++released_) {
    // The guest's transmit queue: nothing was written into its buffers.
    ring_.put_used(slots_[released_ & (kSlots - 1)].head, 0);
  }
  ring_.took(count);
  ring_.publish();
}

}  // namespace plumbline::generator
