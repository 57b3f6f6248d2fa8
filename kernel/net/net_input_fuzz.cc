// Fuzzes everything that a frame from outside can reach: Ethernet, ARP, IPv4 with reassembly, ICMP,
// UDP, and behind it the echo and memcached handlers.
//
// The input is a series of frames: a control byte, a length (two bytes, little-endian), that many
// bytes. Control bit 0 says that the device vouches for the checksum; bit 1 that IPv4, ICMP and UDP
// checksums are put right first, without which the fuzzer would hardly get past them; bit 2 lets
// more than 30 s pass before the frame; bit 3 chains the frame's second half in another buffer. The
// frames of an input are received in bursts of up to four. After each input no buffer may be
// missing.
#include <cstdlib>

#include "apps/echo/echo.hh"
#include "apps/memcached/test_server.hh"

namespace plumbline {
namespace {

using namespace net;

void correct_checksums(std::span<std::byte> frame) {
  if (frame.size() < EthernetHeader::kSize + Ipv4Header::kSize ||
      load_be16(frame.data() + 12) != EthernetHeader::kIpv4)
    return;
  auto packet = frame.subspan(EthernetHeader::kSize);
  const size_t header = (static_cast<size_t>(packet[0]) & 15) * 4;
  if (header < Ipv4Header::kSize || header > packet.size()) return;
  store_native16(packet.data() + 10, 0);
  store_native16(packet.data() + 10, internet_checksum(packet.first(header)));
  const auto ip = Ipv4Header::parse(packet);
  if (!ip || ip->is_fragment()) return;
  auto segment = packet.subspan(header, ip->payload_length());
  if (ip->protocol == Ipv4Header::kIcmp && segment.size() >= IcmpHeader::kSize) {
    store_native16(segment.data() + 2, 0);
    store_native16(segment.data() + 2, internet_checksum(segment));
  } else if (ip->protocol == Ipv4Header::kUdp && segment.size() >= UdpHeader::kSize) {
    const size_t length = load_be16(segment.data() + 4);
    if (length < UdpHeader::kSize || length > segment.size()) return;
    segment = segment.first(length);
    store_native16(segment.data() + UdpHeader::kChecksumOffset, 0);
    store_native16(segment.data() + UdpHeader::kChecksumOffset,
                   udp_checksum(segment, ip->source, ip->destination));
  }
}

memcached::TestServer& fuzzed_server() {
  static auto* const server = [] {
    auto* made = new memcached::TestServer(memcached::ServerStore::kMinimumBytes, 1, 64);
    made->network.keep = false;
    made->network.interface.bind(7, echo::kHandler);
    return made;
  }();
  return *server;
}

void run(std::span<const std::byte> input) {
  memcached::TestServer& server = fuzzed_server();
  TestNetwork& network = server.network;
  PacketBuffer* burst[4];
  size_t count = 0;
  const auto receive = [&] {
    network.interface.receive({burst, count}, network.out);
    count = 0;
  };
  while (input.size() >= 3) {
    const auto control = static_cast<uint8_t>(input[0]);
    const size_t length = std::min<size_t>(load_le16(input.data() + 1), input.size() - 3);
    const auto bytes = input.subspan(3, length);
    input = input.subspan(3 + length);
    PacketBuffer* const frame =
        network.load(bytes, (control & 1) != 0 ? ChecksumState::kValid : ChecksumState::kUnknown);
    if (frame == nullptr) continue;
    if ((control & 2) != 0) correct_checksums(frame->bytes());
    if ((control & 4) != 0) {
      TestNetwork::time_ns += Reassembler::kTimeout + 1;
      server.clock.set_unix(server.clock.unix_now() + 31);
      network.interface.tick(network.out);
    }
    if ((control & 8) != 0) frame->next = network.load(bytes.subspan(length / 2));
    burst[count++] = frame;
    if (count == 4 || (control & 16) != 0) receive();
  }
  receive();
  network.out.flush();
  network.interface.forget();
  if (network.pool.in_use() != 0) std::abort();
}

}  // namespace
}  // namespace plumbline

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  plumbline::run(std::as_bytes(std::span(data, size)));
  return 0;
}
