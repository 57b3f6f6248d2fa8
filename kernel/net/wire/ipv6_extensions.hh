// What stands between an IPv6 header and the payload (RFC 8200, section 4).
#pragma once

#include <span>

#include "net/wire/ipv6.hh"

namespace plumbline::net {

// Numbers of "next header" (IANA, "Protocol Numbers").
namespace ipv6_headers {
inline constexpr uint8_t kHopByHop = 0;
inline constexpr uint8_t kTcp = 6;
inline constexpr uint8_t kUdp = 17;
inline constexpr uint8_t kRouting = 43;
inline constexpr uint8_t kFragment = 44;
inline constexpr uint8_t kIcmp = 58;
inline constexpr uint8_t kNone = 59;
inline constexpr uint8_t kDestinationOptions = 60;
}  // namespace ipv6_headers

enum class Ipv6Verdict : uint8_t {
  kPayload,   // `protocol`, `offset` and `length` say where and what
  kFragment,  // the same for a fragment's piece, `fragment` for its place
  kDrop,
  kReport,  // drop it, and tell the sender: ICMPv6 parameter problem, `code` and `pointer`
};

struct Ipv6Payload {
  // Codes of a parameter problem (RFC 4443, section 3.4).
  static constexpr uint8_t kErroneousField = 0;
  static constexpr uint8_t kUnknownHeader = 1;
  static constexpr uint8_t kUnknownOption = 2;

  Ipv6Verdict verdict = Ipv6Verdict::kDrop;
  // Of the upper layer. May be one that we do not know: whose parameter problem is whoever finds no
  // use for it; `pointer` says where it stood.
  uint8_t protocol = 0;
  uint8_t code = 0;
  uint16_t offset = 0;   // bytes from the IPv6 header
  uint16_t length = 0;   // bytes
  uint16_t pointer = 0;  // bytes from the IPv6 header
  struct Fragment {
    uint32_t identification = 0;
    uint16_t offset = 0;  // bytes, a multiple of 8
    bool more = false;
  } fragment;
};

// Walks the extension headers of `packet`, which starts with `header`. A fragment that is the whole
// packet counts as none (RFC 6946, section 4). At most kMostExtensions are looked at (RFC 8504,
// section 5.3, allows a limit), so the time a packet takes is bounded by its length.
inline constexpr unsigned kMostExtensions = 8;
Ipv6Payload find_ipv6_payload(const Ipv6Header& header, std::span<const std::byte> packet);

}  // namespace plumbline::net
