#include "traffic/memcached_codec.hh"

#include <charconv>
#include <cstring>

namespace plumbline::generator {

namespace {

uint16_t load_be16(const uint8_t* bytes) { return static_cast<uint16_t>(bytes[0] << 8 | bytes[1]); }

size_t digits_of(uint32_t value) {
  size_t digits = 1;
  for (; value >= 10; value /= 10) ++digits;
  return digits;
}

char* append(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

bool starts_with(std::span<const uint8_t> text, std::string_view word) {
  return text.size() >= word.size() && std::memcmp(text.data(), word.data(), word.size()) == 0;
}

}  // namespace

std::optional<UdpFrame> parse_frame(std::span<const uint8_t> payload) {
  if (payload.size() < kFrameBytes) return std::nullopt;
  const UdpFrame frame{load_be16(payload.data()), load_be16(payload.data() + 2),
                       load_be16(payload.data() + 4)};
  if (frame.total == 0 || frame.total > kMaximumDatagrams || frame.sequence >= frame.total) {
    return std::nullopt;
  }
  return frame;
}

void write_frame(uint16_t id, uint8_t* out) {
  const uint8_t frame[kFrameBytes] = {
      static_cast<uint8_t>(id >> 8), static_cast<uint8_t>(id), 0, 0, 0, 1, 0, 0};
  std::memcpy(out, frame, kFrameBytes);
}

size_t get_bytes(const Keyspace& keyspace, uint32_t key) { return 4 + keyspace.key_bytes(key) + 2; }

size_t set_bytes(const Keyspace& keyspace, uint32_t key) {
  const uint32_t value = keyspace.value_bytes(key);
  return 4 + keyspace.key_bytes(key) + 5 + digits_of(value) + 2 + value + 2;
}

char* write_get(const Keyspace& keyspace, uint32_t key, char* out) {
  out = append(out, "get ");
  keyspace.write_key(key, out);
  return append(out + keyspace.key_bytes(key), "\r\n");
}

char* write_set(const Keyspace& keyspace, uint32_t key, char* out) {
  const std::span<const char> value = keyspace.value(key);
  out = append(out, "set ");
  keyspace.write_key(key, out);
  out = append(out + keyspace.key_bytes(key), " 0 0 ");
  out = std::to_chars(out, out + 10, value.size()).ptr;
  out = append(out, "\r\n");
  std::memcpy(out, value.data(), value.size());
  return append(out + value.size(), "\r\n");
}

ReplyKind classify_reply(std::span<const uint8_t> text) {
  // In the order of their frequency; each word is compared in full, since all begin like an
  // error's.
  if (starts_with(text, "VALUE ")) return ReplyKind::kValue;
  if (starts_with(text, "STORED\r\n")) return ReplyKind::kStored;
  if (starts_with(text, "END\r\n")) return ReplyKind::kMiss;
  if (starts_with(text, "NOT_STORED\r\n")) return ReplyKind::kNotStored;
  if (starts_with(text, "VERSION ")) return ReplyKind::kVersion;
  return ReplyKind::kError;
}

}  // namespace plumbline::generator
