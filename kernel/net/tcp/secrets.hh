// What an attacker must not know: the keys behind sequence numbers, timestamps, ports, SYN cookies
// and the flow table, all made from one.
#pragma once

#include <array>

#include "net/tcp/segment.hh"
#include "net/tcp/siphash.hh"

namespace plumbline::net::tcp {

class Secrets {
 public:
  // `secret`: 128 random bits. Stacks of one host have the same: a port's next connection may come
  // by another queue, and its sequence numbers must still be above the last one's.
  explicit Secrets(const SipHashKey& secret);

  // Values that peers see are a function each of both ends, all different.
  enum class Purpose : uint8_t { kSequence, kTimestamp, kCookieBase, kCookie, kPort, kPortIndex };
  // `more`: what else the value depends on.
  uint64_t value(Purpose purpose, const FlowKey& key, uint64_t more = 0) const;

  // Keys for hashing() in the flow table.
  using HashKeys = std::array<uint64_t, 6>;
  const HashKeys& hash_keys() const { return hash_keys_; }

  // The next of a series of numbers that cannot be predicted, and repeats with the same secret.
  uint64_t random();

 private:
  SipHashKey secret_;
  HashKeys hash_keys_;
  uint64_t drawn_ = 0;
};

}  // namespace plumbline::net::tcp
