// A random generator with fast key erasure (Bernstein 2017): each block of key stream begins with
// the next key, so that what was handed out can not be computed again from what is in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "drivers/random/chacha20.hh"

namespace plumbline::random {

class Generator {
 public:
  /// Mixes `seed` into the state; any number of bytes, any number of times. Never makes it worse.
  void mix(std::span<const std::byte> seed);
  /// Fills `out`.
  void fill(std::span<std::byte> out);

 private:
  void step();
  ChaChaKey key_{};
  ChaChaBlock block_{};
};

}  // namespace plumbline::random
