// Initial sequence numbers (RFC 6528) and timestamp offsets (RFC 7323, section 5.4).
#pragma once

#include "core/units.hh"
#include "net/tcp/secrets.hh"
#include "net/tcp/sequence.hh"

namespace plumbline::net::tcp {

// ISN = M + F(both ends, secret), with M a clock of 4 microseconds: later connections between the
// same ends start above earlier ones, and nobody else's numbers say anything about them.
inline Sequence initial_sequence(const Secrets& secrets, const FlowKey& key, Nanoseconds now) {
  const auto clock = static_cast<uint32_t>(now.count / 4000);
  return {clock + static_cast<uint32_t>(secrets.value(Secrets::Purpose::kSequence, key))};
}

// `initial`, or where that is not above `last`, the last number of the ends' connection before, one
// well above it (RFC 9293, section 3.6.1, MAY-2).
inline Sequence above(Sequence initial, Sequence last) {
  return initial > last ? initial : last + 65536;
}

// What is added to the timestamp clock of connections between these ends. Always the same, so that
// timestamps grow from one connection to the next, which lets it take the place of one in
// TIME-WAIT (RFC 6191); and it hides how long the host has been up.
inline uint32_t timestamp_offset(const Secrets& secrets, const FlowKey& key) {
  return static_cast<uint32_t>(secrets.value(Secrets::Purpose::kTimestamp, key));
}

}  // namespace plumbline::net::tcp
