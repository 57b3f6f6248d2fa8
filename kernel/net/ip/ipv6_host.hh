// The IPv6 configuration of a host: static, from routers (RFC 4862), and what neighbours object to.
#pragma once

#include <atomic>
#include <optional>

#include "net/ip/ipv6_state.hh"
#include "net/wire/neighbour_discovery.hh"
#include "sync/lock_guard.hh"
#include "sync/spinlock.hh"

namespace plumbline::net {

struct Ipv6Configuration {
  // A static address; unspecified: none.
  IpAddress address;
  uint8_t prefix_length = 64;
  // Where packets to other networks go; unspecified: whoever advertises itself.
  IpAddress gateway;
  // Addresses, prefixes and routers come from router advertisements as well.
  bool automatic = true;
};

// One for all queues of a device. Any thread, also with interrupts masked.
class Ipv6Host {
 public:
  Ipv6Host(MacAddress mac, const Ipv6Configuration& configuration);
  Ipv6Host(const Ipv6Host&) = delete;
  Ipv6Host& operator=(const Ipv6Host&) = delete;

  Ipv6State state() const {
    const LockGuard guard(lock_);
    return state_;
  }
  // Changes with the state, so that a copy need only be taken when it is old.
  uint32_t generation() const { return generation_.load(std::memory_order_acquire); }

  // A router at `from` has said this.
  void advertised(const IpAddress& from, const RouterAdvertisement& advertisement, uint64_t now);
  // `from` says that another hop is better. False: it is not the hop we use for this destination.
  bool redirected(const IpAddress& from, const Redirect& redirect, uint64_t now);
  // Somebody else uses, or is about to use, this address of ours. It is given up if we had not
  // found out yet that it is ours alone (RFC 4862, section 5.4). True: it was.
  bool claimed(const IpAddress& address);
  // A neighbour that packets were sent through does not answer.
  void hop_failed(const IpAddress& hop);

  struct Work {
    // An address to ask about: whether somebody has it.
    std::optional<IpAddress> probe;
    // Ask for routers.
    bool solicit = false;
  };
  // Call once a second, by one of the queues: what is to be sent. Call again while there is a
  // probe.
  Work tick(uint64_t now);
  // Whether tick() will have something to do soon.
  bool busy() const { return busy_.load(std::memory_order_relaxed); }

  // An address that was given up, told once; nothing: none.
  std::optional<IpAddress> take_duplicate();

 private:
  void changed() { generation_.fetch_add(1, std::memory_order_release); }
  void add_own(const IpAddress& address, uint8_t prefix_length, bool automatic,
               uint64_t preferred_until, uint64_t valid_until);
  void take_prefix(const RouterAdvertisement::Prefix& prefix, uint64_t now);
  void take_router(const IpAddress& from, const RouterAdvertisement& advertisement, uint64_t now);
  void expire(uint64_t now);
  void decide_busy();

  mutable Spinlock lock_;
  std::atomic<uint32_t> generation_{1};
  std::atomic<bool> busy_{true};
  const MacAddress mac_;
  const bool automatic_;
  Ipv6State state_;
  std::optional<IpAddress> duplicate_;
  unsigned solicitations_left_ = 0;
  unsigned ticks_ = 0;
  uint64_t probed_at_ = ~uint64_t{0};
};

}  // namespace plumbline::net
