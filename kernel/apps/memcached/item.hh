// How an item lies in memory.
#pragma once

#include <cstdint>
#include <span>

namespace plumbline::memcached {

// A chunk's number: its offset in the shard's memory in units of 64 bytes. 0 is none (the hash
// table stands at the start). 32 bits reach 256 GiB.
using ItemIndex = uint32_t;
inline constexpr ItemIndex kNoItem = 0;

// The header of an item. Behind it, without gaps, stands what a reply sends:
//   key, " <flags> <length>\r\n", value, "\r\n"
// so that a get copies one run of bytes. The chunk starts on a cache line; header and a short key
// share it.
struct Item {
  ItemIndex next_in_bucket;  // or in the free list
  ItemIndex newer;           // neighbours in the eviction order
  ItemIndex older;
  uint32_t hash;
  uint64_t cas;
  uint32_t expires;  // CoarseClock seconds; 0: never
  uint32_t stored;   // when it was stored
  uint32_t flags;
  uint32_t value_length;
  uint8_t key_length;
  uint8_t suffix_length;
  uint8_t slab_class;
  bool linked;  // false: the chunk is free
  bool active;  // was read since the eviction order last looked at it
  bool fetched;

  std::byte* text() { return reinterpret_cast<std::byte*>(this + 1); }
  const std::byte* text() const { return reinterpret_cast<const std::byte*>(this + 1); }
  // key, suffix, value and the final "\r\n".
  size_t text_length() const { return size_t{key_length} + suffix_length + value_length + 2; }
  std::span<const std::byte> key() const { return {text(), key_length}; }
  std::byte* value() { return text() + key_length + suffix_length; }
  std::span<const std::byte> value_bytes() const {
    return {text() + key_length + suffix_length, value_length};
  }
  size_t total_size() const { return sizeof(Item) + text_length(); }
};
static_assert(sizeof(Item) == 48);

}  // namespace plumbline::memcached
