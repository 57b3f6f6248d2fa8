#include "traffic/memcached_codec.hh"

#include <charconv>
#include <cstring>

namespace plumbline::generator {

namespace {

size_t digits_of(uint32_t value) {
  size_t digits = 1;
  for (; value >= 10; value /= 10) ++digits;
  return digits;
}

}  // namespace

size_t set_bytes(const Keyspace& keyspace, uint32_t key) {
  const uint32_t value = keyspace.value_bytes(key);
  return 4 + keyspace.key_bytes(key) + 5 + digits_of(value) + 2 + value + 2;
}

char* write_set(const Keyspace& keyspace, uint32_t key, char* out) {
  const std::span<const char> value = keyspace.value(key);
  out = codec_detail::append(out, "set ");
  keyspace.write_key(key, out);
  out = codec_detail::append(out + keyspace.key_bytes(key), " 0 0 ");
  out = std::to_chars(out, out + 10, value.size()).ptr;
  out = codec_detail::append(out, "\r\n");
  std::memcpy(out, value.data(), value.size());
  return codec_detail::append(out + value.size(), "\r\n");
}

}  // namespace plumbline::generator
