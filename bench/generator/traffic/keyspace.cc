#include "traffic/keyspace.hh"

#include <stdexcept>
#include <string>

#include "traffic/random.hh"

namespace plumbline::generator {

namespace {

uint32_t decimal_digits(uint32_t value) {
  uint32_t digits = 1;
  for (; value >= 10; value /= 10) ++digits;
  return digits;
}

}  // namespace

Keyspace::Keyspace(const KeyspaceDescription& description)
    : keys_(description.keys), seed_(mix(description.seed)) {
  const uint32_t digits = decimal_digits(keys_ - 1);
  if (description.key_sizes.minimum < digits || description.key_sizes.maximum > kMaximumKeyBytes) {
    throw std::invalid_argument("keySizes: " + std::to_string(keys_) + " keys need sizes from " +
                                std::to_string(digits) + " to " + std::to_string(kMaximumKeyBytes) +
                                " bytes");
  }
  if (description.value_sizes.maximum > kMaximumValueBytes) {
    throw std::invalid_argument("valueSizes: at most " + std::to_string(kMaximumValueBytes) +
                                " bytes fit a datagram");
  }
  if (description.key_sizes.is_fixed() && description.value_sizes.is_fixed()) {
    fixed_.key = description.key_sizes.minimum & 0xff;
    fixed_.value = description.value_sizes.minimum & 0xffffff;
  } else {
    sizes_.resize(keys_);
    for (uint32_t key = 0; key < keys_; ++key) {
      // Two streams apart from each other: a key's size says nothing about its value's.
      sizes_[key].key = description.key_sizes.at(to_unit(mix(seed_ ^ (2ull * key)))) & 0xff;
      sizes_[key].value =
          description.value_sizes.at(to_unit(mix(seed_ ^ (2ull * key + 1)))) & 0xffffff;
    }
  }
  static constexpr char kAlphabet[] =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
  text_.resize(kTextOffsets + kMaximumValueBytes);
  Random random(description.seed);
  for (char& character : text_) character = kAlphabet[random.next() >> 58];
}

}  // namespace plumbline::generator
