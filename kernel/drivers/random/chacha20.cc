#include "drivers/random/chacha20.hh"

#include <bit>

namespace plumbline::random {
namespace {

void quarter_round(uint32_t& a, uint32_t& b, uint32_t& c, uint32_t& d) {
  a += b;
  d = std::rotl(d ^ a, 16);
  c += d;
  b = std::rotl(b ^ c, 12);
  a += b;
  d = std::rotl(d ^ a, 8);
  c += d;
  b = std::rotl(b ^ c, 7);
}

}  // namespace

ChaChaBlock chacha20_block(const ChaChaKey& key, uint32_t counter,
                           const std::array<uint32_t, 3>& nonce) {
  // "expand 32-byte k"
  const ChaChaBlock start = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, key[0], key[1],
                             key[2],     key[3],     key[4],     key[5],     key[6], key[7],
                             counter,    nonce[0],   nonce[1],   nonce[2]};
  ChaChaBlock x = start;
  for (int i = 0; i < 10; ++i) {
    quarter_round(x[0], x[4], x[8], x[12]);
    quarter_round(x[1], x[5], x[9], x[13]);
    quarter_round(x[2], x[6], x[10], x[14]);
    quarter_round(x[3], x[7], x[11], x[15]);
    quarter_round(x[0], x[5], x[10], x[15]);
    quarter_round(x[1], x[6], x[11], x[12]);
    quarter_round(x[2], x[7], x[8], x[13]);
    quarter_round(x[3], x[4], x[9], x[14]);
  }
  for (unsigned i = 0; i < 16; ++i) x[i] += start[i];
  return x;
}

}  // namespace plumbline::random
