#include "net/tcp/flow_table.hh"

#include <algorithm>
#include <bit>

namespace plumbline::net::tcp {

Flow FlowTable::moved_{{{}, {}, 0, 0, ~uint32_t{0}}, FlowKind::kTimeWait};

FlowTable::FlowTable(const MemorySource& source, const Secrets::HashKeys& keys)
    : source_(source), keys_(keys), mapped_(mix(keys[0], keys[1])) {
  current_ = allocate(kFewest);
  ASSERT_MSG(current_.slots != nullptr, "no memory for the smallest table of connections");
  std::fill_n(current_.slots, kFewest, Slot{});
}

FlowTable::~FlowTable() {
  release(current_);
  release(previous_);
  release(next_);
}

size_t FlowTable::bytes() const {
  size_t bytes = 0;
  for (const Slots* table : {&current_, &previous_, &next_})
    if (table->slots != nullptr) bytes += table->bytes();
  return bytes;
}

FlowTable::Slots FlowTable::allocate(uint32_t slots) {
  Slots table{nullptr, slots - 1, 0};
  table.slots = static_cast<Slot*>(source_.allocate(source_.context, table.bytes()));
  return table;
}

void FlowTable::release(Slots& table) {
  if (table.slots != nullptr) source_.release(source_.context, table.slots, table.bytes());
  table = {};
}

void FlowTable::put(Slots& table, Flow* flow, uint32_t hash) {
  uint32_t i = hash;
  while (table.slots[i & table.mask].flow != nullptr) ++i;
  table.slots[i & table.mask] = {flow, hash};
  ++table.used;
}

FlowTable::Slot* FlowTable::locate(const Slots& table, const Flow& flow, uint32_t hash) {
  if (table.slots == nullptr) return nullptr;
  for (uint32_t i = hash;; ++i) {
    Slot& slot = table.slots[i & table.mask];
    if (slot.flow == &flow) return &slot;
    if (slot.flow == nullptr) return nullptr;
  }
}

// Takes out a slot and moves those behind it up that would not be found any more (Knuth, The Art of
// Computer Programming, volume 3, algorithm 6.4 R): no markers are left, so the table does not get
// slower with its age.
void FlowTable::close_gap(Slots& table, Slot* slot) {
  auto gap = static_cast<uint32_t>(slot - table.slots);
  for (uint32_t i = gap + 1;; ++i) {
    const Slot& candidate = table.slots[i & table.mask];
    if (candidate.flow == nullptr) break;
    // It may move if the gap lies between where its search starts and where it is.
    if (((i - candidate.hash) & table.mask) < ((i - gap) & table.mask)) continue;
    table.slots[gap & table.mask] = candidate;
    gap = i;
  }
  table.slots[gap & table.mask] = {};
  --table.used;
}

bool FlowTable::has_room() {
  // Beyond this, searches for what is not there become long, and without an empty slot they would
  // not end: only reached when there was no memory to grow.
  if (current_.used < current_.mask - current_.mask / 8) [[likely]]
    return true;
  consider();
  return false;
}

bool FlowTable::insert(Flow& flow) {
  if (!has_room()) return false;
  put(current_, &flow, hash(flow.key));
  advance(kCleared, kMoved);
  return true;
}

void FlowTable::remove(Flow& flow) {
  const uint32_t at = hash(flow.key);
  if (Slot* const slot = locate(current_, flow, at)) {
    close_gap(current_, slot);
  } else {
    Slot* const old = locate(previous_, flow, at);
    ASSERT(old != nullptr);
    old->flow = &moved_;
    --previous_.used;
  }
  advance(kCleared, kMoved);
}

void FlowTable::replace(Flow& flow, Flow& with) {
  ASSERT(flow.key == with.key);
  const uint32_t at = hash(flow.key);
  Slot* slot = locate(current_, flow, at);
  if (slot == nullptr) slot = locate(previous_, flow, at);
  ASSERT(slot != nullptr);
  slot->flow = &with;
}

void FlowTable::consider() {
  if (unfinished()) return;
  const uint32_t slots = current_.mask + 1;
  uint32_t wanted = slots;
  if (current_.used > slots / 2) wanted = std::min(slots * 2, kMost);
  // A quarter full afterwards: far from both limits, so that numbers that go up and down do not
  // make the table do so.
  if (current_.used < slots / 16) wanted = std::max(std::bit_ceil(current_.used * 4), kFewest);
  if (wanted == slots) return;
  next_ = allocate(wanted);
  cleared_ = 0;
  if (next_.slots == nullptr) next_ = {};
}

void FlowTable::advance(uint32_t cleared, uint32_t moved) {
  consider();
  if (next_.slots != nullptr) {
    const uint32_t end = std::min(cleared_ + cleared, next_.mask + 1);
    std::fill(next_.slots + cleared_, next_.slots + end, Slot{});
    cleared_ = end;
    if (cleared_ <= next_.mask) return;
    // A table that shrinks may have been filled meanwhile with more than fits well.
    if (current_.used > (next_.mask + 1) / 2) {
      release(next_);
      return;
    }
    previous_ = current_;
    current_ = next_;
    next_ = {};
    moved_from_ = 0;
  } else if (previous_.slots != nullptr) {
    move(moved);
  }
}

void FlowTable::move(uint32_t slots) {
  for (; slots != 0 && moved_from_ <= previous_.mask && previous_.used != 0; --slots) {
    Slot& slot = previous_.slots[moved_from_++];
    if (slot.flow == nullptr || slot.flow == &moved_) continue;
    put(current_, slot.flow, slot.hash);
    slot.flow = &moved_;
    --previous_.used;
  }
  if (previous_.used == 0) release(previous_);
}

void FlowTable::maintain() { advance(kMaintained, kMaintained); }

}  // namespace plumbline::net::tcp
