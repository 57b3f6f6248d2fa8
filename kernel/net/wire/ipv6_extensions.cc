#include "net/wire/ipv6_extensions.hh"

namespace plumbline::net {

using namespace ipv6_headers;

namespace {

Ipv6Payload report(uint8_t code, size_t pointer) {
  Ipv6Payload result;
  result.verdict = Ipv6Verdict::kReport;
  result.code = code;
  result.pointer = static_cast<uint16_t>(pointer);
  return result;
}

// Options of a hop-by-hop or destination options header (section 4.2), from byte `at` to `end` of
// the packet. True when all may be skipped; else `result` says what becomes of the packet.
bool skip_options(std::span<const std::byte> packet, size_t at, size_t end, bool multicast,
                  Ipv6Payload& result) {
  constexpr uint8_t kPad1 = 0;
  constexpr uint8_t kPadN = 1;
  constexpr uint8_t kRouterAlert = 5;  // RFC 2711: we are no router
  while (at < end) {
    const auto type = static_cast<uint8_t>(packet[at]);
    if (type == kPad1) {
      ++at;
      continue;
    }
    if (end - at < 2) return false;
    const size_t length = 2 + size_t{static_cast<uint8_t>(packet[at + 1])};
    if (length > end - at) return false;
    if (type != kPadN && type != kRouterAlert) {
      // What is to be done with an unknown one stands in its upper bits.
      switch (type >> 6) {
        case 0:
          break;
        case 1:
          return false;
        case 3:
          if (multicast) return false;
          [[fallthrough]];
        default:
          result = report(Ipv6Payload::kUnknownOption, at);
          return false;
      }
    }
    at += length;
  }
  return true;
}

}  // namespace

Ipv6Payload find_ipv6_payload(const Ipv6Header& header, std::span<const std::byte> packet) {
  const size_t end = Ipv6Header::kSize + header.payload_length;
  Ipv6Payload result;
  uint8_t next = header.next_header;
  size_t pointer = 6;  // where `next` stood
  size_t at = Ipv6Header::kSize;
  for (unsigned seen = 0;; ++seen) {
    const bool known =
        next == kHopByHop || next == kRouting || next == kFragment || next == kDestinationOptions;
    if (!known) break;
    if (seen == kMostExtensions || end - at < 8) return result;
    // Only the first may be this one (section 4.1).
    if (next == kHopByHop && seen != 0) return report(Ipv6Payload::kUnknownHeader, pointer);
    if (next == kFragment) {
      const uint16_t field = load_be16(&packet[at + 2]);
      const bool more = (field & 1) != 0;
      const auto place = static_cast<uint16_t>(field & ~7);
      const size_t length = end - at - 8;
      // All but the last are multiples of 8 bytes, none ends beyond what a packet can hold (section
      // 4.5).
      if (more && length % 8 != 0) return report(Ipv6Payload::kErroneousField, 4);
      if (place + length > 65535) return report(Ipv6Payload::kErroneousField, at + 2);
      if (place != 0 || more) {
        result.verdict = Ipv6Verdict::kFragment;
        result.protocol = static_cast<uint8_t>(packet[at]);
        result.offset = static_cast<uint16_t>(at + 8);
        result.length = static_cast<uint16_t>(length);
        result.pointer = static_cast<uint16_t>(at);
        result.fragment = {load_be32(&packet[at + 4]), place, more};
        return result;
      }
      pointer = at;
      next = static_cast<uint8_t>(packet[at]);
      at += 8;
      continue;
    }
    const size_t length = 8 + 8 * size_t{static_cast<uint8_t>(packet[at + 1])};
    if (length > end - at) return result;
    if (next == kRouting) {
      // Whatever the type: nowhere to go from here is as good as none; else we know no type
      // (section 4.4; type 0 is deprecated, RFC 5095).
      if (packet[at + 3] != std::byte{0}) return report(Ipv6Payload::kErroneousField, at + 2);
    } else if (!skip_options(packet, at + 2, at + length, header.destination.is_multicast(),
                             result)) {
      return result;
    }
    pointer = at;
    next = static_cast<uint8_t>(packet[at]);
    at += length;
  }
  if (next == kNone) return result;
  result.verdict = Ipv6Verdict::kPayload;
  result.protocol = next;
  result.offset = static_cast<uint16_t>(at);
  result.length = static_cast<uint16_t>(end - at);
  result.pointer = static_cast<uint16_t>(pointer);
  return result;
}

}  // namespace plumbline::net
