#include "drivers/random/generator.hh"

#include <algorithm>
#include <cstring>

namespace plumbline::random {

void Generator::step() {
  block_ = chacha20_block(key_, 0, {});
  std::copy_n(block_.begin(), key_.size(), key_.begin());
}

void Generator::mix(std::span<const std::byte> seed) {
  // The seed is taken in 32 bytes at a time, the cipher runs between: each piece goes through a
  // permutation that the next one can not undo.
  do {
    ChaChaKey piece{};
    const size_t length = std::min(seed.size(), sizeof piece);
    if (length != 0) std::memcpy(piece.data(), seed.data(), length);
    for (size_t i = 0; i < key_.size(); ++i) key_[i] ^= piece[i];
    step();
    seed = seed.subspan(length);
  } while (!seed.empty());
}

void Generator::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    step();
    const size_t length = std::min(out.size(), sizeof(uint32_t) * 8);
    std::memcpy(out.data(), block_.data() + 8, length);
    out = out.subspan(length);
  }
  block_ = {};
}

}  // namespace plumbline::random
