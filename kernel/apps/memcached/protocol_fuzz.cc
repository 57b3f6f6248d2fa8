// Fuzzes the store and the protocol without the layers below: the input's datagrams go straight to
// Protocol::receive, with and without prepare().
//
// The input is a series of datagrams: a control byte, a length (two bytes, little-endian), that
// many bytes. Control bit 0 puts a good frame in front; bit 1 skips prepare(); bits 2 to 7 are
// seconds that pass.
#include <cstdlib>

#include "apps/memcached/test_server.hh"

namespace plumbline::memcached {
namespace {

// Gets at a responder the way the interface makes one: through a bound port.
struct Direct {
  Direct() : server(ServerStore::kMinimumBytes, 1, 64) {
    server.network.keep = false;
    handler = server.protocol.handler();
    // Without prepare() on its own port.
    net::UdpHandler bare = handler;
    bare.prepare = nullptr;
    bare.prefetch = nullptr;
    server.network.interface.bind(kTestPort + 1, bare);
  }
  TestServer server;
  net::UdpHandler handler;
};

void run(std::span<const std::byte> input) {
  static auto* const direct = new Direct;
  net::TestNetwork& network = direct->server.network;
  while (input.size() >= 3) {
    const auto control = static_cast<uint8_t>(input[0]);
    const size_t length =
        std::min<size_t>({load_le16(input.data() + 1), input.size() - 3, size_t{1400}});
    const auto bytes = input.subspan(3, length);
    input = input.subspan(3 + length);
    if (control >> 2 != 0)
      direct->server.clock.set_unix(direct->server.clock.unix_now() + (control >> 2));

    const size_t framing = (control & 1) != 0 ? UdpFrame::kSize : 0;
    net::PacketBuffer* const buffer = network.pool.allocate();
    if (buffer == nullptr) std::abort();
    std::byte* const payload = buffer->data + net::Interface::kUdpHeaders;
    if (framing != 0) UdpFrame{1, 0, 1}.emit(payload);
    if (length != 0) std::memcpy(payload + framing, bytes.data(), length);
    const auto segment = static_cast<uint16_t>(net::UdpHeader::kSize + framing + length);
    net::UdpHeader{5000, static_cast<uint16_t>(kTestPort + (control >> 1 & 1)), segment, false}
        .emit(payload - net::UdpHeader::kSize);
    net::Ipv4Header ip;
    ip.total_length = static_cast<uint16_t>(net::Ipv4Header::kSize + segment);
    ip.protocol = net::Ipv4Header::kUdp;
    ip.source = net::kPeerAddress;
    ip.destination = net::kGuestAddress;
    ip.emit(buffer->data + net::EthernetHeader::kSize);
    net::EthernetHeader{net::kGuestMac, net::kPeerMac, net::EthernetHeader::kIpv4}.emit(
        buffer->data);
    buffer->length = static_cast<uint32_t>(net::EthernetHeader::kSize + ip.total_length);
    network.interface.receive(buffer, network.out);
  }
  network.out.flush();
  if (network.pool.in_use() != 0) std::abort();
  // The store's own bookkeeping, now and then: it walks all of the store.
  static unsigned runs = 0;
  if (++runs % 1024 == 0) direct->server.check_consistency();
}

}  // namespace
}  // namespace plumbline::memcached

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  plumbline::memcached::run(std::as_bytes(std::span(data, size)));
  return 0;
}
