// The keys of a workload: text, value size and value bytes of key i follow from i and the seed, so
// a reply can be checked to the byte without remembering what was stored.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "traffic/random.hh"
#include "traffic/size_distribution.hh"

namespace plumbline::generator {

inline constexpr uint32_t kMaximumKeyBytes = 250;  // memcached's protocol.txt
inline constexpr uint32_t kMaximumValueBytes = 60'000;

struct KeyspaceDescription {
  uint32_t keys = 1;
  SizeDistribution key_sizes;
  SizeDistribution value_sizes;
  uint32_t seed = 0;
};

class Keyspace {
 public:
  // Throws std::invalid_argument when a size can be outside of what the protocol allows.
  explicit Keyspace(const KeyspaceDescription& description);

  uint32_t keys() const { return keys_; }
  uint32_t key_bytes(uint32_t key) const { return sizes_.empty() ? fixed_.key : sizes_[key].key; }
  uint32_t value_bytes(uint32_t key) const {
    return sizes_.empty() ? fixed_.value : sizes_[key].value;
  }
  // Writes the key's text (key_bytes(key) bytes): its index in decimal, filled up on the left with
  // 'k'.
  void write_key(uint32_t key, char* out) const {
    uint32_t position = key_bytes(key);
    std::memset(out, 'k', position);
    uint32_t rest = key;
    do {
      out[--position] = static_cast<char>('0' + rest % 10);
      rest /= 10;
    } while (rest != 0);
  }
  // The value's bytes: a window into one random text, at a place that depends on the key.
  std::span<const char> value(uint32_t key) const {
    const uint64_t offset = mix(seed_ + key) % kTextOffsets;
    return {text_.data() + offset, value_bytes(key)};
  }

 private:
  static constexpr uint32_t kTextOffsets = 1 << 16;
  struct Sizes {
    uint32_t key : 8;
    uint32_t value : 24;
  };

  uint32_t keys_;
  uint64_t seed_;
  Sizes fixed_{};
  std::vector<Sizes> sizes_;  // empty when both sizes are fixed: no table to miss the cache on
  std::vector<char> text_;
};

}  // namespace plumbline::generator
