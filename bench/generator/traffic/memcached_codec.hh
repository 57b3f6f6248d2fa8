// memcached's text protocol over UDP, the client's side (protocol.txt of memcached 1.6, section
// "UDP protocol"): an 8-byte frame (request id, sequence number, number of datagrams, reserved; big
// endian), then the text.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "traffic/keyspace.hh"

namespace plumbline::generator {

inline constexpr size_t kFrameBytes = 8;
// More than a value of kMaximumValueBytes in datagrams of 1,400 bytes needs; the request table
// keeps one bit each.
inline constexpr uint32_t kMaximumDatagrams = 64;

namespace codec_detail {

// The bytes may be a guest's that still writes there: each is read once.
inline uint16_t load_be16(const uint8_t* bytes) {
  return static_cast<uint16_t>(__atomic_load_n(bytes, __ATOMIC_RELAXED) << 8 |
                               __atomic_load_n(bytes + 1, __ATOMIC_RELAXED));
}
inline char* append(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}
inline bool starts_with(std::span<const uint8_t> text, std::string_view word) {
  return text.size() >= word.size() && std::memcmp(text.data(), word.data(), word.size()) == 0;
}

}  // namespace codec_detail

struct UdpFrame {
  uint16_t id;
  uint16_t sequence;
  uint16_t total;
};

// The frame in front of a datagram; nothing when it is shorter, or when its numbers contradict each
// other.
inline std::optional<UdpFrame> parse_frame(std::span<const uint8_t> payload) {
  if (payload.size() < kFrameBytes) return std::nullopt;
  const UdpFrame frame{codec_detail::load_be16(payload.data()),
                       codec_detail::load_be16(payload.data() + 2),
                       codec_detail::load_be16(payload.data() + 4)};
  if (frame.total == 0 || frame.total > kMaximumDatagrams || frame.sequence >= frame.total) {
    return std::nullopt;
  }
  return frame;
}
// Writes the frame of a one-datagram request.
inline void write_frame(uint16_t id, uint8_t* out) {
  // One word made of registers: put together in memory, gcc reads it back in another width, which
  // waits for all earlier stores, among them those into the guest's buffers.
  static_assert(std::endian::native == std::endian::little);
  const uint64_t frame = uint64_t{1} << 40 | uint64_t{id & 0xffu} << 8 | id >> 8;
  std::memcpy(out, &frame, kFrameBytes);
}

// Bytes of the request's text.
inline size_t get_bytes(const Keyspace& keyspace, uint32_t key) {
  return 4 + keyspace.key_bytes(key) + 2;
}
size_t set_bytes(const Keyspace& keyspace, uint32_t key);
// Write the request's text; `out` has room for get_bytes or set_bytes and Keyspace::kKeySlack more.
// Return the end.
inline char* write_get(const Keyspace& keyspace, uint32_t key, char* out) {
  out = codec_detail::append(out, "get ");
  keyspace.write_key(key, out);
  return codec_detail::append(out + keyspace.key_bytes(key), "\r\n");
}
char* write_set(const Keyspace& keyspace, uint32_t key, char* out);

enum class ReplyKind { kValue, kMiss, kStored, kNotStored, kVersion, kError };

// What a reply says, by its first word; kError for error texts and for everything unknown.
inline ReplyKind classify_reply(std::span<const uint8_t> text) {
  // In the order of their frequency; each word is compared in full, since all begin like an
  // error's.
  if (codec_detail::starts_with(text, "VALUE ")) return ReplyKind::kValue;
  if (codec_detail::starts_with(text, "STORED\r\n")) return ReplyKind::kStored;
  if (codec_detail::starts_with(text, "END\r\n")) return ReplyKind::kMiss;
  if (codec_detail::starts_with(text, "NOT_STORED\r\n")) return ReplyKind::kNotStored;
  if (codec_detail::starts_with(text, "VERSION ")) return ReplyKind::kVersion;
  return ReplyKind::kError;
}

}  // namespace plumbline::generator
