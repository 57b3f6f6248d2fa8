#include "net/tcp/siphash.hh"

#include <bit>

#include "core/byte_order.hh"

namespace plumbline::net::tcp {

namespace {

// The names and constants are the paper's (section 2).
struct State {
  uint64_t v0, v1, v2, v3;

  explicit State(const SipHashKey& key)
      : v0(key.words[0] ^ 0x736f'6d65'7073'6575),
        v1(key.words[1] ^ 0x646f'7261'6e64'6f6d),
        v2(key.words[0] ^ 0x6c79'6765'6e65'7261),
        v3(key.words[1] ^ 0x7465'6462'7974'6573) {}

  void round() {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }
  void compress(uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
  // `last`: the message's rest, with its length in the uppermost byte.
  uint64_t finish(uint64_t last) {
    compress(last);
    v2 ^= 0xff;
    for (int i = 0; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

}  // namespace

uint64_t siphash(const SipHashKey& key, std::span<const std::byte> message) {
  State state(key);
  const size_t whole = message.size() / 8 * 8;
  for (size_t at = 0; at < whole; at += 8) state.compress(load_le64(message.data() + at));
  uint64_t last = uint64_t{message.size()} << 56;
  for (size_t at = whole; at < message.size(); ++at)
    last |= static_cast<uint64_t>(message[at]) << (8 * (at - whole));
  return state.finish(last);
}

uint64_t siphash(const SipHashKey& key, std::span<const uint64_t> message) {
  State state(key);
  for (const uint64_t word : message) state.compress(word);
  return state.finish(uint64_t{message.size() * 8} << 56);
}

}  // namespace plumbline::net::tcp
