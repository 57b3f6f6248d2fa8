#include "net/ip/ipv6_state.hh"

#include <bit>

#include "net/wire/neighbour_discovery.hh"

namespace plumbline::net {

namespace {

unsigned common_bits(const IpAddress& a, const IpAddress& b) {
  const auto first = static_cast<unsigned>(std::countl_zero(byte_swap(a.words[0] ^ b.words[0])));
  if (first != 64) return first;
  return 64 + static_cast<unsigned>(std::countl_zero(byte_swap(a.words[1] ^ b.words[1])));
}

}  // namespace

IpAddress interface_identifier(MacAddress mac, const IpAddress& prefix) {
  const auto& o = mac.octets;
  constexpr uint64_t kUniversal = 0x02;
  const uint64_t identifier = (o[0] ^ kUniversal) << 56 | uint64_t{o[1]} << 48 |
                              uint64_t{o[2]} << 40 | uint64_t{0xfffe} << 24 | uint64_t{o[3]} << 16 |
                              uint64_t{o[4]} << 8 | o[5];
  return {{prefix.words[0], byte_swap(identifier)}};
}

const Ipv6State::Own* Ipv6State::find_own(const IpAddress& address) const {
  for (const Own& candidate : own.all()) {
    if (candidate.address == address) return &candidate;
  }
  return nullptr;
}

bool Ipv6State::is_for_us(const IpAddress& address) const {
  if (!address.is_multicast()) return find_own(address) != nullptr;
  if (address == kAllNodes) return true;
  const auto addresses = own.all();
  return std::ranges::any_of(addresses, [&](const Own& candidate) {
    return solicited_node(candidate.address) == address;
  });
}

IpAddress Ipv6State::next_hop(const IpAddress& to, uint64_t now) const {
  if (to.is_link_local_v6() || to.is_multicast()) return to;
  for (const Detour& detour : detours.all()) {
    if (detour.destination == to) return detour.hop;
  }
  for (const Prefix& prefix : on_link.all()) {
    if (now < prefix.until && same_prefix(prefix.address, to, prefix.length)) return to;
  }
  for (const Router& router : routers.all()) {
    if (now < router.until) return router.address;
  }
  return {};
}

const Ipv6State::Own* Ipv6State::source_for(const IpAddress& to, uint64_t now) const {
  if (const Own* same = find_own(to)) return same;
  const bool local = to.is_link_local_v6() || to.is_multicast();
  const Own* best = nullptr;
  // The more, the better: an address of the right scope before a preferred one before a longer
  // prefix in common.
  unsigned best_score = 0;
  for (const Own& candidate : own.all()) {
    if (now >= candidate.valid_until) continue;
    const bool candidate_local = candidate.address.is_link_local_v6();
    // What nobody elsewhere can answer to is not sent there.
    if (candidate_local && !local) continue;
    const unsigned score = (candidate_local == local ? 1024u : 0) +
                           (now < candidate.preferred_until ? 512u : 0) +
                           common_bits(candidate.address, to) + 1;
    if (score <= best_score) continue;
    best = &candidate;
    best_score = score;
  }
  return best;
}

}  // namespace plumbline::net
