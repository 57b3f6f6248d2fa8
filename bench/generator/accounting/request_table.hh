// Every request that is on its way. A memcached frame has 16 bits to tell requests of one source
// port apart; a slot number takes the low ones and a generation the rest, so that a reply which
// comes late, twice or for nothing is recognised instead of being taken for the slot's next
// request.
#pragma once

#include <cstdint>
#include <vector>

namespace plumbline::generator {

enum class SlotState : uint8_t {
  kFree,
  kPrepared,  // has a number, is not sent yet
  kWaiting,   // sent
  kLost,      // timed out; kept out of use for a while so that a late reply is recognised
};

// Half a cache line: the slots of a window go round, and stay in the first-level cache.
struct alignas(32) RequestSlot {
  uint64_t intended = 0;  // clock ticks from which its latency counts
  uint64_t sent = 0;      // clock ticks from which its time-out counts
  uint32_t key = 0;
  uint16_t generation = 0;
  uint16_t lost_generation = 0;  // the last generation recycled while lost
  uint16_t slice = 0;            // in which it was sent
  SlotState state = SlotState::kFree;
  bool was_lost = false;  // lost_generation means something
  bool is_set = false;
  bool verify = false;
  uint8_t piece_total = 0;  // of a reply in several datagrams; 0: none seen
};
static_assert(sizeof(RequestSlot) == 32);

enum class ReplyMatch { kWaiting, kLate, kDuplicate, kUnknown };

class RequestTable {
 public:
  // Slots per connection: four for each request that may be outstanding there, 64 at least, a power
  // of two, so that lost ones can rest. Throws std::invalid_argument when that leaves fewer than 2
  // bits of the 16 for generations.
  RequestTable(uint32_t connections, uint32_t outstanding);

  uint32_t connections() const { return connections_; }
  uint32_t slot_count() const { return static_cast<uint32_t>(slots_.size()); }
  uint32_t connection_of(uint32_t index) const { return index >> slot_bits_; }
  RequestSlot& slot(uint32_t index) { return slots_[index]; }
  uint16_t id_of(uint32_t index) const {
    return static_cast<uint16_t>(slots_[index].generation << slot_bits_ | (index & slot_mask_));
  }

  // Takes a slot of the connection for a new request (state kPrepared) and returns its index. The
  // caller keeps at most `outstanding` requests of a connection open.
  uint32_t open(uint32_t connection) {
    const uint32_t position = next_slot_[connection];
    uint32_t index = (connection << slot_bits_) + position;
    // In turn, so that a number comes again as late as possible; a free slot is nearly always the
    // next one.
    if (slots_[index].state != SlotState::kFree) [[unlikely]]
      index = find_or_recycle(connection);
    next_slot_[connection] = (index + 1) & slot_mask_;
    RequestSlot& slot = slots_[index];
    slot.generation = static_cast<uint16_t>((slot.generation + 1) & generation_mask_);
    if (slot.was_lost && slot.lost_generation == slot.generation) slot.was_lost = false;
    slot.state = SlotState::kPrepared;
    slot.piece_total = 0;
    return index;
  }
  // Finds the request that a reply with this id belongs to. `index` is valid except for kUnknown.
  ReplyMatch match(uint32_t connection, uint16_t id, uint32_t& index) {
    if (connection >= connections_) return ReplyMatch::kUnknown;
    index = (connection << slot_bits_) + (id & slot_mask_);
    const RequestSlot& slot = slots_[index];
    if (slot.state == SlotState::kWaiting && id >> slot_bits_ == slot.generation) [[likely]]
      return ReplyMatch::kWaiting;
    return match_unexpected(index, static_cast<uint16_t>(id >> slot_bits_));
  }
  // The request was answered.
  void close(uint32_t index) { slots_[index].state = SlotState::kFree; }

  // Looks at the next `count` slots in turn: calls on_lost(index) for those sent before `oldest`,
  // which become kLost, and frees lost ones sent before `forgotten`.
  template <class OnLost>
  void scan(uint32_t count, uint64_t oldest, uint64_t forgotten, OnLost&& on_lost) {
    for (; count > 0; --count) {
      RequestSlot& slot = slots_[scan_position_];
      if (slot.state == SlotState::kWaiting && slot.sent < oldest) {
        slot.state = SlotState::kLost;
        on_lost(scan_position_);
      } else if (slot.state == SlotState::kLost && slot.sent < forgotten) {
        slot.state = SlotState::kFree;
      }
      if (++scan_position_ == slots_.size()) scan_position_ = 0;
    }
  }

 private:
  uint32_t find_or_recycle(uint32_t connection);
  ReplyMatch match_unexpected(uint32_t index, uint16_t generation);

  uint32_t connections_;
  uint32_t slot_bits_;
  uint32_t slot_mask_;
  uint32_t generation_mask_;
  uint32_t scan_position_ = 0;
  std::vector<RequestSlot> slots_;   // connection-major
  std::vector<uint32_t> next_slot_;  // per connection: where to look for a free one
};

}  // namespace plumbline::generator
