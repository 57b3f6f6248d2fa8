#include "net/ip/icmp_error.hh"

#include <algorithm>
#include <array>

#include "net/wire/ipv4.hh"
#include "net/wire/ipv6_extensions.hh"

namespace plumbline::net {

namespace {

constexpr size_t kSequenceAt = 4;
// What RFC 792 promises of the packet behind its IPv4 header.
constexpr size_t kQuoted = 8;

struct Meaning {
  Errno error;
  bool hard;
};

// By the code of "destination unreachable" (RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1).
constexpr std::array<Meaning, 16> kUnreachable{{
    {Errno::kENETUNREACH, false},
    {Errno::kEHOSTUNREACH, false},
    {Errno::kENOPROTOOPT, true},
    {Errno::kECONNREFUSED, true},
    {Errno::kEMSGSIZE, false},
    {Errno::kEOPNOTSUPP, false},
    {Errno::kENETUNREACH, true},
    {Errno::kEHOSTDOWN, true},
    {Errno::kENONET, true},
    {Errno::kENETUNREACH, true},
    {Errno::kEHOSTUNREACH, true},
    {Errno::kENETUNREACH, false},
    {Errno::kEHOSTUNREACH, false},
    {Errno::kEHOSTUNREACH, true},
    {Errno::kEHOSTUNREACH, true},
    {Errno::kEHOSTUNREACH, true},
}};
constexpr uint8_t kFragmentationNeeded = 4;

// The same of ICMPv6 (RFC 4443, section 3.1).
constexpr std::array<Meaning, 7> kUnreachable6{{
    {Errno::kENETUNREACH, false},
    {Errno::kEACCES, true},
    {Errno::kEHOSTUNREACH, false},
    {Errno::kEHOSTUNREACH, false},
    {Errno::kECONNREFUSED, true},
    {Errno::kEACCES, true},
    {Errno::kEACCES, true},
}};

// What a router that does not say it probably takes (RFC 1191, section 7.1): the next smaller of
// the sizes in use.
uint16_t guess_mtu(uint16_t sent) {
  constexpr std::array<uint16_t, 9> kPlateaus{32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296};
  const auto* const smaller =
      std::ranges::find_if(kPlateaus, [&](uint16_t plateau) { return plateau < sent; });
  return smaller == kPlateaus.end() ? uint16_t{68} : *smaller;
}

void take_ports(IcmpError& error, const std::byte* segment) {
  error.local_port = load_be16(segment);
  error.remote_port = load_be16(segment + 2);
  if (error.protocol == Ipv4Header::kTcp) error.sequence = load_be32(segment + kSequenceAt);
}

}  // namespace

std::optional<IcmpError> parse_icmp_error(const IcmpHeader& header,
                                          std::span<const std::byte> rest) {
  IcmpError error;
  switch (header.type) {
    case IcmpHeader::kDestinationUnreachable:
      if (header.code >= kUnreachable.size()) return std::nullopt;
      error.error = kUnreachable[header.code].error;
      error.hard = kUnreachable[header.code].hard;
      break;
    case IcmpHeader::kTimeExceeded:
      error.error = Errno::kEHOSTUNREACH;
      break;
    case IcmpHeader::kParameterProblem:
      error.error = Errno::kEPROTO;
      error.hard = true;
      break;
    default:
      return std::nullopt;
  }
  // The quoted packet's checksum may be another than we sent (routers changed what it covers), and
  // its end is missing: only what is used is looked at.
  if (rest.size() < Ipv4Header::kSize || static_cast<size_t>(rest[0]) >> 4 != 4)
    return std::nullopt;
  const size_t length = (static_cast<size_t>(rest[0]) & 15) * 4;
  constexpr uint16_t kOffset = 0x1fff;
  if (length < Ipv4Header::kSize || rest.size() < length + kQuoted ||
      (load_be16(rest.data() + 6) & kOffset) != 0)
    return std::nullopt;
  error.protocol = static_cast<uint8_t>(rest[9]);
  if (error.protocol != Ipv4Header::kTcp && error.protocol != Ipv4Header::kUdp) return std::nullopt;
  error.local = IpAddress::load_v4(rest.data() + 12);
  error.remote = IpAddress::load_v4(rest.data() + 16);
  take_ports(error, rest.data() + length);
  if (header.type == IcmpHeader::kDestinationUnreachable && header.code == kFragmentationNeeded) {
    // The lower half of what follows the checksum (RFC 1191, section 4).
    error.mtu = static_cast<uint16_t>(header.rest);
    if (error.mtu == 0) error.mtu = guess_mtu(load_be16(rest.data() + 2));
  }
  return error;
}

std::optional<IcmpError> parse_icmpv6_error(const IcmpHeader& header,
                                            std::span<const std::byte> rest) {
  constexpr uint8_t kUnknownNextHeader = 1;
  IcmpError error;
  switch (header.type) {
    case icmpv6_types::kDestinationUnreachable:
      if (header.code >= kUnreachable6.size()) return std::nullopt;
      error.error = kUnreachable6[header.code].error;
      error.hard = kUnreachable6[header.code].hard;
      break;
    case icmpv6_types::kPacketTooBig:
      // Less than every link must take is no path's MTU (RFC 8201, section 4).
      if (header.rest < Ipv6Header::kLeastMtu) return std::nullopt;
      error.error = Errno::kEMSGSIZE;
      error.mtu = static_cast<uint16_t>(std::min<uint32_t>(header.rest, 65535));
      break;
    case icmpv6_types::kTimeExceeded:
      error.error = Errno::kEHOSTUNREACH;
      break;
    case icmpv6_types::kParameterProblem:
      error.error = Errno::kEPROTO;
      error.hard = header.code == kUnknownNextHeader;
      break;
    default:
      return std::nullopt;
  }
  if (rest.size() < Ipv6Header::kSize || static_cast<uint8_t>(rest[0]) >> 4 != 6)
    return std::nullopt;
  error.local = IpAddress::load_v6(rest.data() + 8);
  error.remote = IpAddress::load_v6(rest.data() + 24);
  size_t at = Ipv6Header::kSize;
  error.protocol = static_cast<uint8_t>(rest[6]);
  // The one extension header that we send.
  if (error.protocol == ipv6_headers::kFragment) {
    constexpr size_t kFragmentHeader = 8;
    constexpr uint16_t kOffset = 0xfff8;
    if (rest.size() < at + kFragmentHeader || (load_be16(&rest[at + 2]) & kOffset) != 0)
      return std::nullopt;
    error.protocol = static_cast<uint8_t>(rest[at]);
    at += kFragmentHeader;
  }
  if ((error.protocol != Ipv4Header::kTcp && error.protocol != Ipv4Header::kUdp) ||
      rest.size() < at + kQuoted)
    return std::nullopt;
  take_ports(error, rest.data() + at);
  return error;
}

}  // namespace plumbline::net
