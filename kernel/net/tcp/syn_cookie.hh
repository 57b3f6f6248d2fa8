// SYN cookies (RFC 4987, section 3.6): what a half-open connection's record would hold, put into
// the sequence number and the timestamp of our SYN, from where the peer's ACK brings it back.
//
// A cookie is F(both ends) + (minutes << 27) + (G(both ends, peer's number, minutes) + MSS) mod
// 2^27, with F and G keyed and a "minute" of 64 s; the MSS is one of eight. Sixteen values are good
// for an ACK at any time (two minutes, eight sizes), so a blind guess hits one with 2^-28. The
// minutes make numbers grow from one connection of the same ends to the next.
#pragma once

#include <optional>

#include "core/units.hh"
#include "net/tcp/owner.hh"
#include "net/tcp/secrets.hh"

namespace plumbline::net::tcp {

struct SynCookie {
  // How long after it was sent a cookie may still be good.
  static constexpr Nanoseconds kLifetime = seconds(128);
  // Peers with less than this have no cookie that would not let us send too much.
  static constexpr uint16_t kLeastMss = 128;

  // The initial sequence number of our SYN, which answers a SYN of number `peer` with `mss`;
  // nothing when mss < kLeastMss.
  static std::optional<Sequence> make(const Secrets& secrets, const FlowKey& key, Sequence peer,
                                      uint16_t mss, Nanoseconds now);
  // The MSS in the cookie that an ACK brings (its acknowledgement less one; `peer`: its number less
  // one): at most what the peer said. Nothing: it is none of ours, or too old.
  static std::optional<uint16_t> check(const Secrets& secrets, const FlowKey& key, Sequence peer,
                                       Sequence cookie, Nanoseconds now);

  // The timestamp (without offset) of our SYN at clock `clock`, with what was agreed in its lowest
  // six bits: a little earlier than `clock`, so that those of later segments are not.
  static uint32_t timestamp(const Handshake& agreed, uint32_t clock);
  // Reads window scale, SACK and ECN back from the timestamp that an ACK echoes, less the offset.
  // False when it is none that we can have sent lately.
  static bool read_timestamp(uint32_t echo, uint32_t clock, Handshake& agreed);
};

}  // namespace plumbline::net::tcp
