// memcached's text protocol over UDP, the client's side (protocol.txt of memcached 1.6, section
// "UDP protocol"): an 8-byte frame (request id, sequence number, number of datagrams, reserved; big
// endian), then the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "traffic/keyspace.hh"

namespace plumbline::generator {

inline constexpr size_t kFrameBytes = 8;
// More than a value of kMaximumValueBytes in datagrams of 1,400 bytes needs; the request table
// keeps one bit each.
inline constexpr uint32_t kMaximumDatagrams = 64;

struct UdpFrame {
  uint16_t id;
  uint16_t sequence;
  uint16_t total;
};

// The frame in front of a datagram; nothing when it is shorter, or when its numbers contradict each
// other.
std::optional<UdpFrame> parse_frame(std::span<const uint8_t> payload);
// Writes the frame of a one-datagram request.
void write_frame(uint16_t id, uint8_t* out);

// Bytes of the request's text.
size_t get_bytes(const Keyspace& keyspace, uint32_t key);
size_t set_bytes(const Keyspace& keyspace, uint32_t key);
// Write the request's text; `out` has room for get_bytes or set_bytes. Return the end.
char* write_get(const Keyspace& keyspace, uint32_t key, char* out);
char* write_set(const Keyspace& keyspace, uint32_t key, char* out);

enum class ReplyKind { kValue, kMiss, kStored, kNotStored, kVersion, kError };

// What a reply says, by its first word; kError for error texts and for everything unknown.
ReplyKind classify_reply(std::span<const uint8_t> text);

}  // namespace plumbline::generator
