#include "net/ip/path_mtus.hh"

#include <algorithm>

namespace plumbline::net {

void PathMtus::note(const IpAddress& destination, uint16_t mtu, uint64_t now) {
  mtu = std::max(mtu, destination.is_v4() ? kLeastIpv4 : kLeastIpv6);
  const LockGuard guard(lock_);
  const size_t count = count_.load(std::memory_order_relaxed);
  Entry* chosen = nullptr;
  for (Entry& entry : std::span(entries_).first(count)) {
    if (entry.destination == destination) {
      if (is_old(entry, now) || mtu <= entry.mtu) entry = {destination, now, mtu};
      return;
    }
    if (chosen == nullptr || entry.noted < chosen->noted) chosen = &entry;
  }
  if (count < kEntries) {
    chosen = &entries_[count];
    count_.store(count + 1, std::memory_order_relaxed);
  }
  *chosen = {destination, now, mtu};
}

uint16_t PathMtus::search(const IpAddress& destination, uint16_t link, uint64_t now) {
  const LockGuard guard(lock_);
  for (const Entry& entry : std::span(entries_).first(count_.load(std::memory_order_relaxed))) {
    if (entry.destination == destination)
      return is_old(entry, now) ? link : std::min(link, entry.mtu);
  }
  return link;
}

void PathMtus::clear() {
  const LockGuard guard(lock_);
  count_.store(0, std::memory_order_relaxed);
}

}  // namespace plumbline::net
