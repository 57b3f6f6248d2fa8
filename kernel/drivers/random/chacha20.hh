// The ChaCha20 block function (RFC 8439, 2.3).
#pragma once

#include <array>
#include <cstdint>

namespace plumbline::random {

using ChaChaKey = std::array<uint32_t, 8>;
using ChaChaBlock = std::array<uint32_t, 16>;

/// 64 bytes of key stream for this key, nonce and block number; words are little-endian.
ChaChaBlock chacha20_block(const ChaChaKey& key, uint32_t counter,
                           const std::array<uint32_t, 3>& nonce);

}  // namespace plumbline::random
