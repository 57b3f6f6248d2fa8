// SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012): a keyed
// function whose values tell nothing about the key or each other. For what a peer gets to see.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace plumbline::net::tcp {

struct SipHashKey {
  uint64_t words[2]{};
};

uint64_t siphash(const SipHashKey& key, std::span<const std::byte> message);

// The same of a message of whole words, in little-endian order.
uint64_t siphash(const SipHashKey& key, std::span<const uint64_t> message);

}  // namespace plumbline::net::tcp
