#include "net/tcp/secrets.hh"

namespace plumbline::net::tcp {

namespace {
// Messages of one word are no value's, which have six.
constexpr uint64_t kHashKeys = uint64_t{1} << 63;
}  // namespace

Secrets::Secrets(const SipHashKey& secret) : secret_(secret) {
  for (size_t i = 0; i < hash_keys_.size(); ++i) {
    const uint64_t message = kHashKeys | i;
    hash_keys_[i] = siphash(secret_, std::span(&message, 1));
  }
}

uint64_t Secrets::value(Purpose purpose, const FlowKey& key, uint64_t more) const {
  // The zone stays in its 32 bits, above the ports, so the purpose has its own word with `more`,
  // which never has more than 56 bits.
  const std::array<uint64_t, 6> message{
      key.local.words[0],  key.local.words[1],   key.remote.words[0],
      key.remote.words[1], key.ports_and_zone(), more << 8 | static_cast<uint64_t>(purpose)};
  return siphash(secret_, message);
}

uint64_t Secrets::random() {
  const uint64_t message = drawn_++;
  return siphash(secret_, std::span(&message, 1));
}

}  // namespace plumbline::net::tcp
