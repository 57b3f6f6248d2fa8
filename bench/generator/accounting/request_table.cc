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

uint32_t RequestTable::open(uint32_t connection) {
  const uint32_t base = connection << slot_bits_;
  uint32_t position = next_slot_[connection];
  // In turn, so that a number comes again as late as possible. A slot that is free is nearly always
  // the next one; when none is, the one lost first is recycled and its late reply will still be
  // known by its generation.
  uint32_t chosen = base + position;
  bool found = false;
  for (uint32_t tries = 0; tries <= slot_mask_; ++tries) {
    const uint32_t index = base + position;
    position = (position + 1) & slot_mask_;
    if (slots_[index].state == SlotState::kFree) {
      chosen = index;
      found = true;
      break;
    }
    if (slots_[index].state == SlotState::kLost &&
        (!found || slots_[index].sent < slots_[chosen].sent)) {
      chosen = index;
      found = true;
    }
  }
  if (!found) throw std::logic_error("request table: more open requests than promised");
  next_slot_[connection] = ((chosen & slot_mask_) + 1) & slot_mask_;

  RequestSlot& slot = slots_[chosen];
  if (slot.state == SlotState::kLost) {
    slot.lost_generation = slot.generation;
    slot.was_lost = true;
  }
  slot.generation = static_cast<uint16_t>((slot.generation + 1) & generation_mask_);
  if (slot.was_lost && slot.lost_generation == slot.generation) slot.was_lost = false;
  slot.state = SlotState::kPrepared;
  slot.pieces = 0;
  slot.piece_total = 0;
  slot.piece_hit = false;
  return chosen;
}

ReplyMatch RequestTable::match(uint32_t connection, uint16_t id, uint32_t& index) {
  if (connection >= connections_) return ReplyMatch::kUnknown;
  index = (connection << slot_bits_) + (id & slot_mask_);
  RequestSlot& slot = slots_[index];
  const uint16_t generation = static_cast<uint16_t>(id >> slot_bits_);
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
