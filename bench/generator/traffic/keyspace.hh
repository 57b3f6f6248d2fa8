// The keys of a workload: text, value size and value bytes of key i follow from i and the seed, so
// a reply can be checked to the byte without remembering what was stored.
#pragma once

#include <array>
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
  // write_key may write so many bytes more than the key has.
  static constexpr size_t kKeySlack = 31;
  // Writes the key's text (key_bytes(key) bytes): its index in decimal, filled up on the left with
  // 'k'. It stands in every request: blocks of one store each and two digits a step.
  void write_key(uint32_t key, char* out) const {
    const uint32_t bytes = key_bytes(key);
    for (uint32_t at = 0; at < bytes; at += kKeySlack + 1)
      std::memset(out + at, 'k', kKeySlack + 1);
    char* position = out + bytes;
    uint32_t rest = key;
    for (; rest >= 10; rest /= 100) {
      position -= 2;
      std::memcpy(position, &kTwoDigits[rest % 100 * 2], 2);
    }
    if (rest != 0 || key == 0) *--position = static_cast<char>('0' + rest);
  }
  // The value's bytes: a window into one random text, at a place that depends on the key.
  std::span<const char> value(uint32_t key) const {
    const uint64_t offset = mix(seed_ + key) % kTextOffsets;
    return {text_.data() + offset, value_bytes(key)};
  }

 private:
  static constexpr uint32_t kTextOffsets = 1 << 16;
  static constexpr auto kTwoDigits = [] {
    std::array<char, 200> digits{};
    for (size_t i = 0; i < 100; ++i) {
      digits[2 * i] = static_cast<char>('0' + i / 10);
      digits[2 * i + 1] = static_cast<char>('0' + i % 10);
    }
    return digits;
  }();
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
