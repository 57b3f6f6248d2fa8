#include "net/reassembly.hh"

#include <algorithm>
#include <cstring>

namespace plumbline::net {

Reassembler::Reassembler(std::span<std::byte> memory)
    : count_(std::min(memory.size() / kSlotBytes, kMaximumSlots)) {
  for (size_t i = 0; i < count_; ++i) slots_[i].data = memory.data() + i * kSlotBytes;
}

Reassembler::Hole Reassembler::Slot::load(uint16_t at) const {
  Hole hole;
  std::memcpy(&hole, data + at, sizeof hole);
  return hole;
}

void Reassembler::Slot::store(const Hole& hole) {
  std::memcpy(data + hole.first, &hole, sizeof hole);
}

Reassembler::Slot* Reassembler::find_or_take(const Fragment& header, uint64_t now) {
  Slot* free = nullptr;
  Slot* oldest = nullptr;
  for (size_t i = 0; i < count_; ++i) {
    Slot& slot = slots_[i];
    if (!slot.used) {
      free = &slot;
      continue;
    }
    // RFC 791: these four identify a datagram's fragments.
    if (slot.identification == header.identification && slot.source == header.source &&
        slot.destination == header.destination && slot.protocol == header.protocol)
      return &slot;
    if (oldest == nullptr || slot.started < oldest->started) oldest = &slot;
  }
  if (free == nullptr) {
    if (oldest == nullptr) return nullptr;
    ++statistics_.evicted;
    free = oldest;
  }
  begin(*free, header, now);
  return free;
}

void Reassembler::begin(Slot& slot, const Fragment& header, uint64_t now) {
  slot.used = true;
  slot.protocol = header.protocol;
  slot.identification = header.identification;
  slot.source = header.source;
  slot.destination = header.destination;
  slot.started = now;
  slot.length = 0;
  slot.first_hole = 0;
  slot.holes = 1;
  slot.store({0, kInfinity, kNone});
}

// A fragment that fills no hole: all that it covers is there, or lies behind the datagram's end.
Reassembler::Insertion Reassembler::compare(const Slot& slot, const Fragment& header,
                                            std::span<const std::byte> payload) {
  const size_t end = header.offset + payload.size();
  // While the end is not known (0), data has come that more must follow.
  const bool same_end =
      slot.length == 0 ? header.more : end <= slot.length && header.more == (end != slot.length);
  return same_end && std::memcmp(slot.data + header.offset, payload.data(), payload.size()) == 0
             ? Insertion::kRepeated
             : Insertion::kContradicts;
}

Reassembler::Insertion Reassembler::insert(Slot& slot, const Fragment& header,
                                           std::span<const std::byte> payload) {
  // The caller made sure that the end is at most 65535, so 16 bits hold all of these.
  const auto first = header.offset;
  const auto last = static_cast<uint16_t>(first + payload.size() - 1);
  uint16_t previous = kNone;
  for (uint16_t at = slot.first_hole; at != kNone;) {
    const Hole hole = slot.load(at);
    if (first > hole.last || last < hole.first) {
      previous = at;
      at = hole.next;
      continue;
    }
    // Reaches into data that is there, or ends the datagram before data that is there.
    if (first < hole.first || last > hole.last || (!header.more && hole.last != kInfinity))
      return Insertion::kMalformed;
    uint16_t next = hole.next;
    --slot.holes;
    if (header.more && last < hole.last) {
      const auto behind = static_cast<uint16_t>(last + 1);
      slot.store({behind, hole.last, next});
      next = behind;
      ++slot.holes;
    }
    if (!header.more) slot.length = uint32_t{last} + 1;
    if (first > hole.first) {
      slot.store({hole.first, static_cast<uint16_t>(first - 1), next});
      next = hole.first;
      ++slot.holes;
    }
    if (previous == kNone) {
      slot.first_hole = next;
    } else {
      Hole before = slot.load(previous);
      before.next = next;
      slot.store(before);
    }
    std::memcpy(slot.data + first, payload.data(), payload.size());
    return slot.holes > kMaximumHoles ? Insertion::kMalformed : Insertion::kStored;
  }
  return compare(slot, header, payload);
}

std::optional<std::span<std::byte>> Reassembler::add(const Fragment& header,
                                                     std::span<const std::byte> payload,
                                                     uint64_t now) {
  ++statistics_.fragments;
  const bool v4 = header.source.is_v4();
  // In IPv6 the length does not include the header.
  const size_t most = v4 ? 65535 - Ipv4Header::kSize : 65535;
  // All but the last carry multiples of 8 bytes; none ends behind the largest datagram ("ping of
  // death").
  if (payload.empty() || (header.more && payload.size() % 8 != 0) ||
      header.offset + payload.size() > most) {
    ++statistics_.malformed;
    return std::nullopt;
  }
  Slot* const slot = find_or_take(header, now);
  if (slot == nullptr) return std::nullopt;
  Insertion insertion = insert(*slot, header, payload);
  if (insertion == Insertion::kContradicts && v4) {
    ++statistics_.replaced;
    begin(*slot, header, now);
    insertion = insert(*slot, header, payload);
  }
  switch (insertion) {
    case Insertion::kContradicts:
    case Insertion::kMalformed:
      ++statistics_.malformed;
      slot->used = false;
      return std::nullopt;
    case Insertion::kRepeated:
      return std::nullopt;
    case Insertion::kStored:
      break;
  }
  if (slot->first_hole != kNone) return std::nullopt;
  ++statistics_.completed;
  slot->used = false;
  return std::span(slot->data, slot->length);
}

void Reassembler::expire(uint64_t now) {
  for (size_t i = 0; i < count_; ++i) {
    if (slots_[i].used && now - slots_[i].started > kTimeout) {
      slots_[i].used = false;
      ++statistics_.timed_out;
    }
  }
}

void Reassembler::clear() {
  for (Slot& slot : slots_) slot.used = false;
}

size_t Reassembler::pending() const {
  return static_cast<size_t>(
      std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.used; }));
}

}  // namespace plumbline::net
