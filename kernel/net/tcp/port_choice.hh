// Which local port a connection to a peer is opened from (RFC 6056, section 3.3.4: "double-hash").
#pragma once

#include <array>
#include <optional>

#include "net/tcp/secrets.hh"

namespace plumbline::net::tcp {

// Ports from `first` to `last`. Of several stacks each has those whose remainder by `stacks` is its
// number, so that no two choose the same pair of ends; 0 < stacks <= 64.
struct PortRange {
  uint16_t first = 32768;  // Linux's
  uint16_t last = 60999;
  uint16_t stack = 0;
  uint16_t stacks = 1;

  uint32_t size() const {
    const uint32_t start = first_of_stack();
    return start > last ? 0 : (last - start) / stacks + 1;
  }
  // The `index`th of them, from 0.
  uint16_t port(uint32_t index) const {
    return static_cast<uint16_t>(first_of_stack() + index * stacks);
  }

 private:
  uint32_t first_of_stack() const {
    return uint32_t{first} + (uint32_t{stack} + stacks - first % stacks) % stacks;
  }
};

// Each peer has a series of ports of its own, which starts anywhere and which nobody who does not
// know the secret can foresee; a port comes again only after all others did, so that connections in
// TIME-WAIT are out of the way.
class PortChoice {
 public:
  explicit PortChoice(Secrets& secrets) : secrets_(secrets) {
    for (Series& series : series_) series.next = static_cast<uint32_t>(secrets.random());
  }

  // A port for a connection from `key.local` to `key`'s remote end that `free(port)` says may be
  // used; nothing: none. `removals` counts connections that have ended: while none has, a peer for
  // whom there was no port is not searched for again.
  template <typename Free>
  std::optional<uint16_t> choose(FlowKey key, const PortRange& range, uint64_t removals,
                                 Free&& free) {
    key.local_port = 0;
    const uint32_t size = range.size();
    if (size == 0) return std::nullopt;
    const uint64_t index = secrets_.value(Secrets::Purpose::kPortIndex, key);
    Series& series = series_[index % kSeries];
    if (series.exhausted_for == index && series.exhausted_at == removals) return std::nullopt;
    const auto offset = static_cast<uint32_t>(secrets_.value(Secrets::Purpose::kPort, key));
    for (uint32_t tried = 0; tried < size; ++tried) {
      // RFC 6056's sum; in 64 bits, so that it does not wrap in the middle of a series.
      const uint16_t port = range.port((uint64_t{offset} + series.next++) % size);
      if (free(port)) return port;
    }
    series.exhausted_for = index;
    series.exhausted_at = removals;
    return std::nullopt;
  }

 private:
  static constexpr size_t kSeries = 256;
  struct Series {
    uint32_t next = 0;
    uint64_t exhausted_for = 0;
    uint64_t exhausted_at = ~uint64_t{0};
  };

  Secrets& secrets_;
  std::array<Series, kSeries> series_;
};

}  // namespace plumbline::net::tcp
