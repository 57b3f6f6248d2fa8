// How large a packet may be on the way to hosts of other networks, as routers have told us
// (RFC 1191, RFC 8201).
#pragma once

#include <array>
#include <atomic>
#include <span>

#include "net/wire/ip_address.hh"
#include "sync/lock_guard.hh"
#include "sync/spinlock.hh"

namespace plumbline::net {

// A host's: all its interfaces and sockets share one. What is noted is forgotten after ten minutes,
// since the path may have become wider (RFC 1191, section 6.3); when there are too many, the oldest
// goes. Any thread, also with interrupts masked. Times are nanoseconds of one clock.
class PathMtus {
 public:
  static constexpr size_t kEntries = 64;
  static constexpr uint64_t kLifetime = 600'000'000'000;
  // Less would cut datagrams into headers, so it is not believed (Linux, ip_rt_min_pmtu).
  static constexpr uint16_t kLeastIpv4 = 552;
  static constexpr uint16_t kLeastIpv6 = 1280;

  PathMtus() = default;
  PathMtus(const PathMtus&) = delete;
  PathMtus& operator=(const PathMtus&) = delete;

  // A packet to `destination` met a link that takes `mtu` bytes. Only makes paths narrower.
  void note(const IpAddress& destination, uint16_t mtu, uint64_t now);
  // Bytes of a packet to `destination`; `link` when nothing is known.
  uint16_t find(const IpAddress& destination, uint16_t link, uint64_t now) {
    if (count_.load(std::memory_order_relaxed) == 0) [[likely]]
      return link;
    return search(destination, link, now);
  }
  void clear();

 private:
  struct Entry {
    IpAddress destination;
    uint64_t noted = 0;
    uint16_t mtu = 0;  // 0: free
  };
  uint16_t search(const IpAddress& destination, uint16_t link, uint64_t now);
  static bool is_old(const Entry& entry, uint64_t now) { return now - entry.noted >= kLifetime; }

  Spinlock lock_;
  // Entries that were ever used.
  std::atomic<size_t> count_{0};
  std::array<Entry, kEntries> entries_{};
};

}  // namespace plumbline::net
