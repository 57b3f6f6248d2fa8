#include "net/arp_table.hh"

#include <cstring>

namespace plumbline::net {

ArpTable::Entry* ArpTable::find(Ipv4Address address) {
  for (Entry& entry : entries_)
    if (entry.state != State::kFree && entry.address == address) return &entry;
  return nullptr;
}

void ArpTable::remember(const Entry& entry) {
  Recent& recent = recent_[entry.address.value % kRecent];
  recent.address = entry.address;
  recent.mac = 0;
  std::memcpy(&recent.mac, entry.mac.octets.data(), entry.mac.octets.size());
  recent.until = entry.time + kLifetime / 2;
}

void ArpTable::forget_recent(Ipv4Address address) {
  Recent& recent = recent_[address.value % kRecent];
  if (recent.address == address) recent = {};
}

size_t ArpTable::reset(Entry& entry) {
  forget_recent(entry.address);
  const size_t released = entry.waiting_count;
  for (size_t i = 0; i < released; ++i) pool_->release_chain(entry.waiting[i]);
  entry = Entry{};
  return released;
}

ArpTable::Entry& ArpTable::take_entry() {
  Entry* oldest = &entries_[0];
  for (Entry& entry : entries_) {
    if (entry.state == State::kFree) return entry;
    if (entry.time < oldest->time) oldest = &entry;
  }
  reset(*oldest);
  return *oldest;
}

std::optional<MacAddress> ArpTable::lookup(Ipv4Address address, uint64_t now) const {
  for (const Entry& entry : entries_)
    if (entry.state == State::kReachable && entry.address == address)
      return now - entry.time <= kLifetime ? std::optional(entry.mac) : std::nullopt;
  return std::nullopt;
}

ArpTable::Use ArpTable::use(Ipv4Address address, uint64_t now) {
  for (Entry& entry : entries_) {
    if (entry.state != State::kReachable || entry.address != address) continue;
    const uint64_t age = now - entry.time;
    if (age > kLifetime) return {};
    if (age < kLifetime / 2) remember(entry);
    const bool ask = age > kLifetime / 2 && now - entry.refreshed >= kRetryInterval;
    if (ask) entry.refreshed = now;
    return {entry.mac, ask};
  }
  return {};
}

ArpTable::Resolution ArpTable::resolve(Ipv4Address address, PacketBuffer* frame, uint64_t now) {
  Entry* entry = find(address);
  if (entry != nullptr && entry->state == State::kReachable) {
    if (now - entry->time <= kLifetime) return {Outcome::kKnown, entry->mac};
    entry->state = State::kIncomplete;
    entry->attempts = 0;
  } else if (entry == nullptr) {
    entry = &take_entry();
    entry->state = State::kIncomplete;
    entry->address = address;
  }
  const bool ask = entry->attempts == 0;
  if (ask) {
    entry->attempts = 1;
    entry->time = now;
  }
  if (frame == nullptr) return {ask ? Outcome::kAskAndWaiting : Outcome::kWaiting, {}};
  if (entry->waiting_count == kWaitingPerEntry) {
    pool_->release_chain(frame);
    return {Outcome::kDropped, {}};
  }
  entry->waiting[entry->waiting_count++] = frame;
  return {ask ? Outcome::kAskAndWaiting : Outcome::kWaiting, {}};
}

PacketBuffer* ArpTable::learn(Ipv4Address address, MacAddress mac, bool create, uint64_t now) {
  Entry* entry = find(address);
  if (entry == nullptr) {
    if (!create) return nullptr;
    entry = &take_entry();
    entry->address = address;
  }
  forget_recent(address);
  entry->state = State::kReachable;
  entry->mac = mac;
  entry->time = now;
  entry->attempts = 0;
  // Frames built here are single buffers, so `next` is free to chain what waited.
  PacketBuffer* first = nullptr;
  for (size_t i = entry->waiting_count; i-- > 0;) {
    entry->waiting[i]->next = first;
    first = entry->waiting[i];
  }
  entry->waiting_count = 0;
  return first;
}

size_t ArpTable::expire(uint64_t now, void (*ask)(void* context, Ipv4Address address),
                        void* context) {
  size_t released = 0;
  for (Entry& entry : entries_) {
    if (entry.state == State::kReachable && now - entry.time > kLifetime) {
      released += reset(entry);
    } else if (entry.state == State::kIncomplete && now - entry.time >= kRetryInterval) {
      if (entry.attempts >= kAttempts) {
        released += reset(entry);
      } else {
        ++entry.attempts;
        entry.time = now;
        ask(context, entry.address);
      }
    }
  }
  return released;
}

void ArpTable::clear() {
  for (Entry& entry : entries_) reset(entry);
}

size_t ArpTable::size() const {
  size_t count = 0;
  for (const Entry& entry : entries_) count += entry.state != State::kFree;
  return count;
}

bool ArpTable::resolving() const {
  for (const Entry& entry : entries_)
    if (entry.state == State::kIncomplete) return true;
  return false;
}

}  // namespace plumbline::net
