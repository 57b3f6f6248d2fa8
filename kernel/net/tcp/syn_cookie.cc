#include "net/tcp/syn_cookie.hh"

#include <array>

namespace plumbline::net::tcp {

namespace {

constexpr unsigned kHashBits = 27;
constexpr uint32_t kHashMask = (uint32_t{1} << kHashBits) - 1;
// Sizes that peers really have: Ethernet's with and without timestamps or IPv6, tunnels', the least
// that IPv6 and IPv4 must take, jumbo frames.
constexpr std::array<uint16_t, 8> kSizes{
    SynCookie::kLeastMss, 536, 1220, 1300, 1380, 1440, 1460, 8960};

// Bits of the timestamp.
constexpr uint32_t kScaleMask = 15;  // 15: not agreed on
constexpr uint32_t kSelective = 16;
constexpr uint32_t kEcn = 32;
constexpr uint32_t kOptionBits = 6;
constexpr uint32_t kOptionMask = (1 << kOptionBits) - 1;

uint64_t minute_of(Nanoseconds now) { return now.count / seconds(64).count; }

uint32_t base(const Secrets& secrets, const FlowKey& key) {
  return static_cast<uint32_t>(secrets.value(Secrets::Purpose::kCookieBase, key));
}

uint32_t hash(const Secrets& secrets, const FlowKey& key, Sequence peer, uint64_t minute) {
  // 24 bits of minutes are 34 years.
  const uint64_t more = uint64_t{peer.value} | (minute & 0xff'ffff) << 32;
  return static_cast<uint32_t>(secrets.value(Secrets::Purpose::kCookie, key, more));
}

}  // namespace

std::optional<Sequence> SynCookie::make(const Secrets& secrets, const FlowKey& key, Sequence peer,
                                        uint16_t mss, Nanoseconds now) {
  if (mss < kLeastMss) return std::nullopt;
  uint32_t index = kSizes.size() - 1;
  while (kSizes[index] > mss) --index;
  const uint64_t minute = minute_of(now);
  const uint32_t low = (hash(secrets, key, peer, minute) + index) & kHashMask;
  return Sequence{base(secrets, key) + (static_cast<uint32_t>(minute) << kHashBits) + low};
}

std::optional<uint16_t> SynCookie::check(const Secrets& secrets, const FlowKey& key, Sequence peer,
                                         Sequence cookie, Nanoseconds now) {
  const uint32_t rest = cookie.value - base(secrets, key);
  uint64_t minute = minute_of(now);
  const uint32_t age = (static_cast<uint32_t>(minute) - (rest >> kHashBits)) & 31;
  if (age > 1) return std::nullopt;
  minute -= age;
  const uint32_t index = (rest - hash(secrets, key, peer, minute)) & kHashMask;
  if (index >= kSizes.size()) return std::nullopt;
  return kSizes[index];
}

uint32_t SynCookie::timestamp(const Handshake& agreed, uint32_t clock) {
  uint32_t bits = agreed.send_scale < 0 ? kScaleMask : static_cast<uint32_t>(agreed.send_scale);
  if (agreed.selective) bits |= kSelective;
  if (agreed.ecn) bits |= kEcn;
  const uint32_t made = (clock & ~kOptionMask) | bits;
  return made > clock ? made - (1 << kOptionBits) : made;
}

bool SynCookie::read_timestamp(uint32_t echo, uint32_t clock, Handshake& agreed) {
  // A tick is about a millisecond; a cookie's sequence number knows its age to the minute only.
  if (clock - echo > kLifetime.count / milliseconds(1).count) return false;
  const uint32_t scale = echo & kScaleMask;
  if (scale != kScaleMask && scale > 14) return false;
  agreed.send_scale = scale == kScaleMask ? int8_t{-1} : static_cast<int8_t>(scale);
  agreed.selective = (echo & kSelective) != 0;
  agreed.ecn = (echo & kEcn) != 0;
  return true;
}

}  // namespace plumbline::net::tcp
