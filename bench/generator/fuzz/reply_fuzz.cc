// Replies are bytes from a guest that may be broken: everything that reads them, on any bytes. The
// first byte chooses a key.
#include <vector>

#include "network/arp.hh"
#include "network/frame.hh"
#include "traffic/memcached_codec.hh"
#include "traffic/reply_check.hh"

using namespace plumbline::generator;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Endpoint own{*parse_mac("52:54:00:99:99:01"), *parse_ipv4("10.9.0.1")};
  static const Endpoint peer{*parse_mac("52:54:00:12:34:56"), *parse_ipv4("10.9.0.2")};
  static const Keyspace keyspace = [] {
    SizeDistribution keys, values;
    keys.minimum = keys.maximum = 6;
    values.kind = SizeKind::kUniform;
    values.maximum = 2000;
    return Keyspace({256, keys, values, 1});
  }();
  if (size == 0) return 0;
  // A copy of exact size, so that a read beyond the end is seen.
  const std::vector<uint8_t> frame(data + 1, data + size);
  if (classify_arp(frame, AddressRange(own.ip, 1, peer.ip)) == ArpKind::kRequestForUs) {
    std::array<uint8_t, kArpFrameBytes> reply;
    write_arp_reply(frame, own.mac, reply);
  }
  const auto datagram = parse_udp(frame, own, peer);
  if (!datagram) return 0;
  check_headers(frame, own, peer);
  const auto udp = parse_frame(datagram->payload);
  if (!udp) return 0;
  const auto text = datagram->payload.subspan(kFrameBytes);
  classify_reply(text);
  check_get_reply(keyspace, data[0], text);
  check_set_reply(text);
  return 0;
}
