// The Internet checksum (RFC 1071) over untrusted bytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

namespace plumbline::generator {

// One's complement sum of the bytes as big-endian 16-bit words, folded, not complemented; an odd
// last byte is padded.
inline uint16_t ones_complement_sum(std::span<const uint8_t> bytes, uint64_t start = 0) {
  uint64_t sum = start;
  size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) sum += static_cast<uint64_t>(bytes[i]) << 8 | bytes[i + 1];
  if (i < bytes.size()) sum += static_cast<uint64_t>(bytes[i]) << 8;
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

// Sum over the pseudo header of UDP (RFC 768), to start ones_complement_sum with. `ip_header` holds
// at least 20 bytes.
inline uint64_t udp_pseudo_header_sum(const uint8_t* ip_header, uint16_t udp_bytes) {
  return ones_complement_sum({ip_header + 12, 8}) + 17u + udp_bytes;
}

}  // namespace plumbline::generator
