#include "network/arp.hh"

#include <algorithm>
#include <cstring>

namespace plumbline::generator {

namespace {

constexpr size_t kArpBytes = 42;
// Hardware type Ethernet, protocol type IPv4, their address lengths.
constexpr uint8_t kEthernetIpv4[6] = {0, 1, 8, 0, 6, 4};

}  // namespace

ArpKind classify_arp(std::span<const uint8_t> frame, const AddressRange& own) {
  if (frame.size() < 14 || frame[12] != 0x08 || frame[13] != 0x06) return ArpKind::kNone;
  if (frame.size() < kArpBytes || std::memcmp(frame.data() + 14, kEthernetIpv4, 6) != 0)
    return ArpKind::kOther;
  const bool request = frame[20] == 0 && frame[21] == 1;
  Ipv4Address asked;
  std::memcpy(asked.data(), frame.data() + 38, asked.size());
  const bool ours = own.contains(number_of(asked));
  return request && ours ? ArpKind::kRequestForUs : ArpKind::kOther;
}

void write_arp_reply(std::span<const uint8_t> request, const MacAddress& own,
                     std::span<uint8_t, kArpFrameBytes> reply) {
  std::fill(reply.begin(), reply.end(), uint8_t{0});
  uint8_t* out = reply.data();
  const uint8_t* asking = request.data() + 22;  // MAC and IP address of who asks
  std::memcpy(out, asking, 6);
  std::memcpy(out + 6, own.data(), 6);
  out[12] = 0x08;
  out[13] = 0x06;
  std::memcpy(out + 14, kEthernetIpv4, 6);
  out[21] = 2;
  std::memcpy(out + 22, own.data(), 6);
  std::memcpy(out + 28, request.data() + 38, 4);
  std::memcpy(out + 32, asking, 10);
}

}  // namespace plumbline::generator
