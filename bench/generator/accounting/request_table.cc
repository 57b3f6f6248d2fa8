#include "accounting/request_table.hh"

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace plumbline::generator {

RequestTable::RequestTable(uint32_t connections, uint32_t outstanding) : connections_(connections) {
  const uint32_t slots = std::bit_ceil(std::max(64u, 4 * outstanding));
  if (slots > 1u << 14) {
    throw std::invalid_argument("at most 4096 requests may be outstanding on one connection");
  }
  slot_bits_ = static_cast<uint32_t>(std::countr_zero(slots));
  slot_mask_ = slots - 1;
  generation_mask_ = (1u << (16 - slot_bits_)) - 1;
  slots_.resize(static_cast<size_t>(connections) * slots);
  next_slot_.resize(connections);
}

// When no slot is free, the one lost first is recycled, and its late reply will still be known by
// its generation.
uint32_t RequestTable::find_or_recycle(uint32_t connection) {
  const uint32_t base = connection << slot_bits_;
  uint32_t position = next_slot_[connection];
  uint32_t chosen = base + position;
  bool found = false;
  for (uint32_t tries = 0; tries <= slot_mask_; ++tries) {
    const uint32_t index = base + position;
    position = (position + 1) & slot_mask_;
    if (slots_[index].state == SlotState::kFree) return index;
    if (slots_[index].state == SlotState::kLost &&
        (!found || slots_[index].sent < slots_[chosen].sent)) {
      chosen = index;
      found = true;
    }
  }
  if (!found) throw std::logic_error("request table: more open requests than promised");
  slots_[chosen].lost_generation = slots_[chosen].generation;
  slots_[chosen].was_lost = true;
  return chosen;
}

ReplyMatch RequestTable::match_unexpected(uint32_t index, uint16_t generation) {
  RequestSlot& slot = slots_[index];
  if (generation == slot.generation) {
    switch (slot.state) {
      case SlotState::kWaiting:
        return ReplyMatch::kWaiting;
      case SlotState::kLost:
        return ReplyMatch::kLate;
      case SlotState::kFree:
        return slot.sent == 0 ? ReplyMatch::kUnknown : ReplyMatch::kDuplicate;
      case SlotState::kPrepared:
        return ReplyMatch::kUnknown;
    }
  }
  if (slot.was_lost && generation == slot.lost_generation) {
    slot.was_lost = false;
    return ReplyMatch::kLate;
  }
  return slot.sent == 0 ? ReplyMatch::kUnknown : ReplyMatch::kDuplicate;
}

}  // namespace plumbline::generator
