// Byte-by-byte checks of a complete reply's text.
#pragma once

#include <cstdint>
#include <span>

#include "traffic/keyspace.hh"

namespace plumbline::generator {

// Null when `text` is exactly the reply to a get of `key` that hit ("VALUE <key> 0 <bytes>", the
// value, "END") or missed
// ("END"); otherwise what is wrong.
const char* check_get_reply(const Keyspace& keyspace, uint32_t key, std::span<const uint8_t> text);
// The same for "STORED".
const char* check_set_reply(std::span<const uint8_t> text);

}  // namespace plumbline::generator
