#include "net/ip/ipv6_host.hh"

#include <algorithm>
#include <utility>

namespace plumbline::net {

namespace {
constexpr uint64_t kSecond = 1'000'000'000;
// RFC 4862, section 5.1; RFC 4861, section 10.
constexpr uint8_t kProbes = 1;
constexpr unsigned kSolicitations = 3;
constexpr unsigned kTicksPerSolicitation = 4;

uint64_t after(uint64_t now, uint32_t seconds) {
  return seconds == RouterAdvertisement::kForever ? Ipv6State::kForever : now + seconds * kSecond;
}
}  // namespace

Ipv6Host::Ipv6Host(MacAddress mac, const Ipv6Configuration& configuration)
    : mac_(mac), automatic_(configuration.automatic) {
  add_own(interface_identifier(mac, kLinkLocalPrefix), 64, false, Ipv6State::kForever,
          Ipv6State::kForever);
  if (!configuration.address.is_unspecified()) {
    add_own(configuration.address, configuration.prefix_length, false, Ipv6State::kForever,
            Ipv6State::kForever);
    state_.on_link.add({configuration.address, configuration.prefix_length});
  }
  if (!configuration.gateway.is_unspecified())
    // Above all that advertise themselves.
    state_.routers.add({configuration.gateway, 2});
  if (automatic_) solicitations_left_ = kSolicitations;
}

void Ipv6Host::add_own(const IpAddress& address, uint8_t prefix_length, bool automatic,
                       uint64_t preferred_until, uint64_t valid_until) {
  Ipv6State::Own own;
  own.address = address;
  own.prefix_length = prefix_length;
  own.automatic = automatic;
  own.probes_left = kProbes;
  own.preferred_until = preferred_until;
  own.valid_until = valid_until;
  // When there are too many the router's last ones are not used.
  state_.own.add(own);
  busy_.store(true, std::memory_order_relaxed);
}

void Ipv6Host::take_prefix(const RouterAdvertisement::Prefix& prefix, uint64_t now) {
  const uint64_t valid_until = after(now, prefix.valid);
  if (prefix.on_link) {
    const auto known = std::ranges::find_if(state_.on_link.all(), [&](const auto& other) {
      return other.length == prefix.length &&
             same_prefix(other.address, prefix.address, prefix.length);
    });
    if (known != state_.on_link.all().end()) {
      // What was given by hand stays.
      if (known->until != Ipv6State::kForever || prefix.valid == RouterAdvertisement::kForever)
        known->until = valid_until;
    } else if (prefix.valid != 0) {
      state_.on_link.add({prefix.address, prefix.length, valid_until});
    }
  }
  // Interface identifiers of Ethernet have 64 bits (RFC 2464, section 4).
  if (!prefix.autonomous || prefix.length != 64) return;
  const uint64_t preferred_until = after(now, prefix.preferred);
  const IpAddress address = interface_identifier(mac_, prefix.address);
  for (Ipv6State::Own& own : state_.own.all()) {
    if (own.address != address) continue;
    if (!own.automatic) return;
    own.preferred_until = preferred_until;
    // Nobody shortens a lifetime to less than two hours by one message (RFC 4862, section 5.5.3 e).
    constexpr uint64_t kTwoHours = 7200 * kSecond;
    const uint64_t remaining = own.valid_until - now;
    if (valid_until - now > kTwoHours || valid_until > own.valid_until)
      own.valid_until = valid_until;
    else if (remaining > kTwoHours)
      own.valid_until = now + kTwoHours;
    return;
  }
  if (prefix.valid != 0) add_own(address, prefix.length, true, preferred_until, valid_until);
}

void Ipv6Host::take_router(const IpAddress& from, const RouterAdvertisement& advertisement,
                           uint64_t now) {
  for (Ipv6State::Router& router : state_.routers.all()) {
    if (router.address != from) continue;
    if (router.until == Ipv6State::kForever) return;
    if (advertisement.lifetime == 0 || router.preference != advertisement.preference) break;
    // It keeps its place: else two routers would take turns, and both would see half of each
    // connection.
    router.until = now + advertisement.lifetime * kSecond;
    return;
  }
  state_.routers.remove_if([&](const auto& router) { return router.address == from; });
  if (advertisement.lifetime == 0) {
    state_.detours.remove_if([&](const auto& detour) { return detour.hop == from; });
    return;
  }
  const Ipv6State::Router router{from, advertisement.preference,
                                 now + advertisement.lifetime * kSecond};
  if (!state_.routers.add(router)) return;
  // As many of one preference keep their order: the first stays in use.
  const auto routers = state_.routers.all();
  for (size_t i = routers.size() - 1; i > 0 && routers[i].preference > routers[i - 1].preference;
       --i)
    std::swap(routers[i], routers[i - 1]);
}

void Ipv6Host::advertised(const IpAddress& from, const RouterAdvertisement& advertisement,
                          uint64_t now) {
  const LockGuard guard(lock_);
  if (!automatic_) return;
  expire(now);
  solicitations_left_ = 0;
  take_router(from, advertisement, now);
  if (advertisement.hop_limit != 0) state_.hop_limit = advertisement.hop_limit;
  if (advertisement.mtu >= Ipv6Header::kLeastMtu)
    state_.mtu = static_cast<uint16_t>(std::min<uint32_t>(advertisement.mtu, 0xffff));
  // More than an hour is a mistake (RFC 4861, section 6.2.1).
  if (advertisement.reachable != 0 && advertisement.reachable <= 3'600'000)
    state_.reachable_time = advertisement.reachable * uint64_t{1'000'000};
  for (size_t i = 0; i < advertisement.prefix_count; ++i)
    take_prefix(advertisement.prefixes[i], now);
  decide_busy();
  changed();
}

bool Ipv6Host::redirected(const IpAddress& from, const Redirect& redirect, uint64_t now) {
  const LockGuard guard(lock_);
  if (state_.next_hop(redirect.destination, now) != from) return false;
  const auto detours = state_.detours.all();
  const auto known = std::ranges::find_if(
      detours, [&](const auto& detour) { return detour.destination == redirect.destination; });
  const Ipv6State::Detour detour{redirect.destination, redirect.target};
  if (known != detours.end()) {
    *known = detour;
  } else if (!state_.detours.add(detour)) {
    // The oldest is first; whoever needs it is redirected again.
    std::rotate(detours.begin(), detours.begin() + 1, detours.end());
    detours.back() = detour;
  }
  changed();
  return true;
}

bool Ipv6Host::claimed(const IpAddress& address) {
  const LockGuard guard(lock_);
  const bool given_up =
      state_.own.remove_if([&](const auto& own) { return own.address == address && !own.unique; });
  if (!given_up) return false;
  duplicate_ = address;
  changed();
  return true;
}

void Ipv6Host::hop_failed(const IpAddress& hop) {
  const LockGuard guard(lock_);
  bool found = state_.detours.remove_if([&](const auto& detour) { return detour.hop == hop; });
  // Another router of the list gets its chance (RFC 4861, section 6.3.6); the failed one is asked
  // again when that fails, too.
  const auto routers = state_.routers.all();
  if (routers.size() > 1 && routers.front().address == hop) {
    std::rotate(routers.begin(), routers.begin() + 1, routers.end());
    found = true;
  }
  if (found) changed();
}

void Ipv6Host::expire(uint64_t now) {
  bool found = state_.own.remove_if([&](const auto& own) { return now >= own.valid_until; });
  found |= state_.on_link.remove_if([&](const auto& prefix) { return now >= prefix.until; });
  found |= state_.routers.remove_if([&](const auto& router) { return now >= router.until; });
  if (found) changed();
}

void Ipv6Host::decide_busy() {
  const auto own = state_.own.all();
  busy_.store(solicitations_left_ != 0 ||
                  std::ranges::any_of(own, [](const auto& address) { return !address.unique; }),
              std::memory_order_relaxed);
}

Ipv6Host::Work Ipv6Host::tick(uint64_t now) {
  const LockGuard guard(lock_);
  Work work;
  // A second call in the same second only goes on with the probes.
  const bool first = probed_at_ != now;
  probed_at_ = now;
  if (first) {
    expire(now);
    for (Ipv6State::Own& own : state_.own.all()) {
      if (own.unique || own.probes_left != 0) continue;
      // A second has passed since the last probe, and nobody has objected.
      own.unique = true;
      changed();
    }
    if (solicitations_left_ != 0 && ticks_++ % kTicksPerSolicitation == 0) {
      work.solicit = true;
      --solicitations_left_;
    }
  }
  for (Ipv6State::Own& own : state_.own.all()) {
    if (own.probes_left == 0) continue;
    --own.probes_left;
    work.probe = own.address;
    break;
  }
  decide_busy();
  return work;
}

std::optional<IpAddress> Ipv6Host::take_duplicate() {
  const LockGuard guard(lock_);
  return std::exchange(duplicate_, std::nullopt);
}

}  // namespace plumbline::net
