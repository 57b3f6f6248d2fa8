#include "net/checksum.hh"

namespace plumbline::net {

namespace {
template <typename Word>
uint64_t load(const std::byte* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}
}  // namespace

uint64_t sum_bytes(std::span<const std::byte> bytes, uint64_t sum) {
  const std::byte* at = bytes.data();
  size_t left = bytes.size();
  // Two chains of additions: the carry makes each one two cycles long.
  uint64_t other = 0;
  for (; left >= 16; left -= 16, at += 16) {
    sum = add_with_carry(sum, load<uint64_t>(at));
    other = add_with_carry(other, load<uint64_t>(at + 8));
  }
  sum = add_with_carry(sum, other);
  if (left & 8) {
    sum = add_with_carry(sum, load<uint64_t>(at));
    at += 8;
  }
  if (left & 4) {
    sum = add_with_carry(sum, load<uint32_t>(at));
    at += 4;
  }
  if (left & 2) {
    sum = add_with_carry(sum, load<uint16_t>(at));
    at += 2;
  }
  // The pad byte of RFC 1071 is zero: on this little-endian machine the last byte is the low one.
  if (left & 1) sum = add_with_carry(sum, load<uint8_t>(at));
  return sum;
}

}  // namespace plumbline::net
