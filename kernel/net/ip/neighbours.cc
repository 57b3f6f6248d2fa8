#include "net/ip/neighbours.hh"

#include <algorithm>
#include <cstring>

namespace plumbline::net {

namespace {
uint64_t word_of(MacAddress mac) {
  uint64_t word = 0;
  std::memcpy(&word, mac.octets.data(), mac.octets.size());
  return word;
}
}  // namespace

Neighbours::Entry* Neighbours::find(const IpAddress& address) {
  for (Entry& entry : entries_) {
    if (entry.state != State::kFree && entry.address == address) return &entry;
  }
  return nullptr;
}

void Neighbours::reset(Entry& entry) {
  for (size_t i = 0; i < entry.waiting_count; ++i) pool_->release(entry.waiting[i]);
  entry = {};
}

// A free entry, else that of whom nothing was heard for longest: neighbours that do not answer go
// before those that did, so that questions about strangers push nobody out.
Neighbours::Entry& Neighbours::take_entry(const IpAddress& address, uint64_t now) {
  const auto rank = [](const Entry& entry) {
    return entry.state == State::kFree ? 0 : entry.state == State::kIncomplete ? 1 : 2;
  };
  Entry* chosen = &entries_[0];
  for (Entry& entry : entries_) {
    const int mine = rank(entry), best = rank(*chosen);
    if (mine < best || (mine == best && now - entry.time > now - chosen->time)) chosen = &entry;
  }
  reset(*chosen);
  chosen->address = address;
  return *chosen;
}

PacketBuffer* Neighbours::take_waiting(Entry& entry) {
  PacketBuffer* first = nullptr;
  for (size_t i = entry.waiting_count; i-- > 0;) {
    entry.waiting[i]->next = first;
    first = entry.waiting[i];
  }
  entry.waiting_count = 0;
  return first;
}

Neighbours::Use Neighbours::use(const IpAddress& address, uint64_t now) {
  Entry* const entry = find(address);
  if (entry == nullptr || entry->state == State::kIncomplete) return {};
  if (entry->state == State::kReachable && now >= entry->reachable_until)
    entry->state = State::kStale;
  if (entry->state == State::kReachable) return {entry->mac, entry->reachable_until};
  if (entry->state == State::kStale) {
    entry->state = State::kDelay;
    entry->time = now;
    entry->asked = 0;
  }
  return {entry->mac, now + kSecond};
}

Neighbours::Outcome Neighbours::wait(const IpAddress& address, PacketBuffer* frame, uint64_t now) {
  Entry* entry = find(address);
  const bool ask = entry == nullptr;
  if (ask) {
    entry = &take_entry(address, now);
    entry->state = State::kIncomplete;
    entry->time = now;
    entry->asked = 1;
  }
  if (frame == nullptr) return ask ? Outcome::kAskAndWaiting : Outcome::kWaiting;
  if (entry->waiting_count == kWaitingPerEntry) {
    pool_->release(frame);
    return Outcome::kDropped;
  }
  entry->waiting[entry->waiting_count++] = frame;
  return ask ? Outcome::kAskAndWaiting : Outcome::kWaiting;
}

PacketBuffer* Neighbours::learn(const IpAddress& address, MacAddress mac, uint64_t now) {
  Entry* entry = find(address);
  if (entry != nullptr && entry->state != State::kIncomplete && entry->mac == word_of(mac))
    return nullptr;
  if (entry == nullptr) entry = &take_entry(address, now);
  // That it can be heard does not say that it hears (section 7.2.3).
  entry->state = State::kStale;
  entry->mac = word_of(mac);
  entry->time = now;
  return take_waiting(*entry);
}

PacketBuffer* Neighbours::advertised(const IpAddress& address, MacAddress mac, bool solicited,
                                     bool overrides, uint64_t now, uint64_t reachable_time) {
  Entry* const entry = find(address);
  // Nobody wanted to know.
  if (entry == nullptr) return nullptr;
  const bool incomplete = entry->state == State::kIncomplete;
  const uint64_t told = mac.is_zero() ? entry->mac : word_of(mac);
  if (incomplete && mac.is_zero()) return nullptr;
  const bool differs = !incomplete && told != entry->mac;
  if (differs && !overrides) {
    // Two say that they are it; the one known stays, until it is found out whether it is there.
    if (entry->state == State::kReachable) entry->state = State::kStale;
    return nullptr;
  }
  entry->mac = told;
  if (solicited) {
    entry->state = State::kReachable;
    entry->reachable_until = now + reachable_time;
    entry->time = now;
    entry->asked = 0;
  } else if (incomplete || differs) {
    entry->state = State::kStale;
    entry->time = now;
  }
  return take_waiting(*entry);
}

void Neighbours::expire(uint64_t now, void (*step)(void* context, const Step& step),
                        void* context) {
  for (Entry& entry : entries_) {
    const uint64_t age = now - entry.time;
    switch (entry.state) {
      case State::kIncomplete:
        if (age < kRetransmit) break;
        if (entry.asked >= kMulticastSolicits) {
          const IpAddress address = entry.address;
          reset(entry);
          step(context, {address, 0, true});
          break;
        }
        ++entry.asked;
        entry.time = now;
        step(context, {entry.address, 0, false});
        break;
      case State::kDelay:
        if (age < kDelayFirstProbe) break;
        entry.state = State::kProbe;
        entry.asked = 1;
        entry.time = now;
        step(context, {entry.address, entry.mac, false});
        break;
      case State::kProbe:
        if (age < kRetransmit) break;
        if (entry.asked >= kUnicastSolicits) {
          const IpAddress address = entry.address;
          reset(entry);
          step(context, {address, 0, true});
          break;
        }
        ++entry.asked;
        entry.time = now;
        step(context, {entry.address, entry.mac, false});
        break;
      case State::kFree:
      case State::kReachable:
      case State::kStale:
        break;
    }
  }
}

void Neighbours::clear() {
  for (Entry& entry : entries_) reset(entry);
}

bool Neighbours::busy() const {
  return std::ranges::any_of(entries_, [](const Entry& entry) {
    return entry.state == State::kIncomplete || entry.state == State::kDelay ||
           entry.state == State::kProbe;
  });
}

size_t Neighbours::size() const {
  return static_cast<size_t>(std::ranges::count_if(
      entries_, [](const Entry& entry) { return entry.state != State::kFree; }));
}

Neighbours::State Neighbours::state(const IpAddress& address) const {
  for (const Entry& entry : entries_) {
    if (entry.state != State::kFree && entry.address == address) return entry.state;
  }
  return State::kFree;
}

}  // namespace plumbline::net
