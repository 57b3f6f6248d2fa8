// How many answers to segments that are not quite right are sent in a second.
#pragma once

#include "core/units.hh"
#include "net/tcp/secrets.hh"

namespace plumbline::net::tcp {

// RFC 5961, section 10, asks for such a limit. A fixed one that connections share tells an attacker
// by its exhaustion what was answered (Cao and others, "Off-Path TCP Exploits: Global Rate Limit
// Considered Dangerous", USENIX Security 2016); so each second's is drawn anew, from half to one
// and a half times the rate.
class RateLimit {
 public:
  explicit RateLimit(uint32_t per_second) : per_second_(per_second) {}

  // True when one more may be sent.
  bool take(Nanoseconds now, Secrets& secrets) {
    const uint64_t second = now.count >> 30;  // 1.07 s, without a division
    if (second != second_) [[unlikely]] {
      second_ = second;
      left_ = per_second_ / 2 + static_cast<uint32_t>(secrets.random() % (per_second_ + 1));
    }
    if (left_ == 0) return false;
    --left_;
    return true;
  }

 private:
  uint32_t per_second_;
  uint32_t left_ = 0;
  uint64_t second_ = ~uint64_t{0};
};

}  // namespace plumbline::net::tcp
