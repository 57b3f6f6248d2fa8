// What applications send: bytes that anyone can compute from where they stand in the stream, so
// that a byte that is wrong, missing, repeated or from another connection is seen at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "net/simulator/random.hh"

namespace plumbline::net::simulator {

class BytePattern {
 public:
  // The stream of one direction of one connection.
  constexpr BytePattern(uint64_t seed, uint16_t client_port, bool from_client)
      : key_(Random::mix(seed ^ Random::mix(uint64_t{client_port} << 1 | from_client))) {}

  constexpr std::byte at(uint64_t offset) const {
    return static_cast<std::byte>(Random::mix(key_ + offset / 8) >> offset % 8 * 8);
  }
  void fill(uint64_t offset, std::span<std::byte> to) const {
    for (std::byte& byte : to) byte = at(offset++);
  }
  // How many bytes are right before the first wrong one; bytes.size() when all are.
  size_t matches(uint64_t offset, std::span<const std::byte> bytes) const {
    for (size_t i = 0; i < bytes.size(); ++i)
      if (bytes[i] != at(offset + i)) return i;
    return bytes.size();
  }

 private:
  uint64_t key_;
};

}  // namespace plumbline::net::simulator
