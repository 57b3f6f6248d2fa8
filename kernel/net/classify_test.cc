// Interface recognises the common frame by comparing whole words, and reads every other one with
// the headers' parsers. Here the same frames, most of them damaged, go both ways.
#include <doctest/doctest.h>

#include <random>

#include "net/interface.hh"
#include "net/test_network.hh"

namespace plumbline::net {

// Reads frames with the parsers only.
struct FullParsers {
  // Calls `deliver` for a frame that belongs to a handler, and releases it; true when it did.
  template <typename Deliver>
  static bool receive(TestNetwork& net, PacketBuffer* frame, Deliver&& deliver) {
    Interface::Pending pending;
    const bool delivered = net.interface.classify_any(frame, pending, net.out);
    if (delivered) {
      deliver(*pending.handler, pending.datagram);
      net.pool.release(pending.frame);
    }
    net.out.flush();
    return delivered;
  }
};

namespace {

constexpr size_t kIp = EthernetHeader::kSize;
constexpr size_t kUdp = kIp + Ipv4Header::kSize;

// What became of a frame.
struct Outcome {
  unsigned deliveries = 0;
  UdpEndpoint source;
  UdpEndpoint destination;
  Frame payload;
  ptrdiff_t payload_at = -1;  // in the buffer's memory; -1 without a buffer
  uint64_t hint = 0;
  unsigned handler = 0;
  std::vector<Frame> sent;
  std::array<uint64_t, 8> statistics{};

  friend bool operator==(const Outcome&, const Outcome&) = default;

  void deliver(unsigned to, const UdpDatagram& datagram) {
    ++deliveries;
    handler = to;
    source = datagram.source;
    destination = datagram.destination;
    payload.assign(datagram.payload.begin(), datagram.payload.end());
    if (datagram.buffer != nullptr) payload_at = datagram.payload.data() - datagram.buffer->memory;
    hint = datagram.hint;
  }
  void finish(TestNetwork& net) {
    sent = net.sent();
    const InterfaceStatistics& now = net.interface.statistics();
    statistics = {now.udp_received, now.not_for_us,       now.malformed,    now.bad_checksum,
                  now.no_port,      now.unreachable_sent, now.echo_replies, now.arp_replies};
  }
};

constexpr std::array<uint16_t, 2> kPorts{7, 11211};

// Two interfaces that have seen the same frames, one through each reading.
class Pair {
 public:
  explicit Pair(const InterfaceConfiguration& configuration)
      : plain_(configuration), full_(configuration) {
    for (unsigned i = 0; i < kPorts.size(); ++i) {
      contexts_[i] = {this, i};
      const UdpHandler handler{[](void* context, const UdpDatagram& datagram, UdpResponder&) {
                                 const auto* const at = static_cast<Context*>(context);
                                 at->owner->seen_.deliver(at->number, datagram);
                               },
                               &contexts_[i],
                               [](void* context, std::span<const std::byte> payload) {
                                 return static_cast<Context*>(context)->number + payload.size();
                               },
                               nullptr};
      REQUIRE(plain_.interface.bind(kPorts[i], handler));
      REQUIRE(full_.interface.bind(kPorts[i], handler));
    }
  }

  // Feeds both; false when they differ.
  bool agree(const Frame& frame, ChecksumState checksum) {
    TestNetwork::time_ns += 1'000'000;  // errors may be sent again, fragments grow old
    seen_ = {};
    plain_.feed(frame, checksum);
    seen_.finish(plain_);
    const Outcome plain = seen_;
    seen_ = {};
    FullParsers::receive(full_, full_.load(frame, checksum),
                         [&](const UdpHandler& handler, const UdpDatagram& datagram) {
                           seen_.deliver(static_cast<Context*>(handler.context)->number, datagram);
                         });
    seen_.finish(full_);
    delivered_ += plain.deliveries;
    return plain == seen_ && plain_.pool.in_use() == 0 && full_.pool.in_use() == 0;
  }
  size_t delivered() const { return delivered_; }

 private:
  struct Context {
    Pair* owner;
    unsigned number;
  };
  std::array<Context, kPorts.size()> contexts_{};
  Outcome seen_;
  size_t delivered_ = 0;
  TestNetwork plain_;
  TestNetwork full_;
};

std::string hexadecimal(const Frame& frame) {
  std::string text;
  for (const std::byte byte : frame) {
    text += "0123456789abcdef"[static_cast<uint8_t>(byte) >> 4];
    text += "0123456789abcdef"[static_cast<uint8_t>(byte) & 15];
  }
  return text;
}

// Makes frames: a good one of some kind, changed in a few places, its checksums perhaps put right
// again. (Not std::uniform_int_distribution: its numbers differ between libraries.)
class Mutator {
 public:
  Mutator(uint32_t seed, const Ipv4Prefix& own) : random_(seed), own_(own) {}

  size_t below(size_t limit) { return random_() % limit; }
  bool one_in(size_t n) { return below(n) == 0; }

  Frame next() {
    Frame frame = start();
    for (size_t changes = below(4); changes > 0 && !frame.empty(); --changes) change(frame);
    if (!one_in(3)) repair(frame);
    return frame;
  }

 private:
  Frame start() {
    FrameOptions options;
    options.to = own_.address;
    options.checksum = !one_in(4);
    if (one_in(8)) options.option_bytes = 4 * (1 + below(10));
    const auto port = one_in(8) ? uint16_t{9} : kPorts[below(2)];
    const std::string text(below(40), static_cast<char>('a' + below(26)));
    const Frame segment = udp_segment(4000, port, bytes_of(text), options);
    switch (below(16)) {
      case 0:
        return arp_frame({ArpPacket::kRequest, kPeerMac, kPeerAddress, {}, own_.address});
      case 1: {
        Frame message(IcmpHeader::kSize + text.size());
        IcmpHeader{IcmpHeader::kEcho, 0, 1}.emit(message);
        return ipv4_frame(Ipv4Header::kIcmp, message, options);
      }
      case 2: {  // one fragment; the other half of the time it gets company
        const size_t cut = std::min<size_t>(8 * (1 + below(3)), segment.size() / 8 * 8);
        const bool first = one_in(2);
        const std::span<const std::byte> all(segment);
        return ipv4_frame(Ipv4Header::kUdp, first ? all.first(cut) : all.subspan(cut), options, 5,
                          first ? 0 : cut, first);
      }
      case 3: {  // an IEEE 802.1Q tag in front of the type
        Frame frame = ipv4_frame(Ipv4Header::kUdp, segment, options);
        const std::array<std::byte, 4> tag{std::byte{0x81}, std::byte{0}, std::byte{0},
                                           std::byte{1}};
        frame.insert(frame.begin() + 12, tag.begin(), tag.end());
        return frame;
      }
      default:
        return ipv4_frame(Ipv4Header::kUdp, segment, options);
    }
  }

  void change(Frame& frame) {
    switch (below(10)) {
      case 0:  // any bit
        frame[below(frame.size())] ^= static_cast<std::byte>(1 << below(8));
        return;
      case 1:  // any byte of the headers, or the one that states the IPv4 header's length
        if (one_in(4) && frame.size() > kIp) {
          frame[kIp] ^= static_cast<std::byte>(1 << below(4));
          return;
        }
        frame[below(std::min(frame.size(), kUdp + UdpHeader::kSize))] =
            static_cast<std::byte>(below(256));
        return;
      case 2:
        frame.resize(below(frame.size() + 1));
        return;
      case 3:  // the Ethernet padding that short frames have, and more
        frame.resize(frame.size() + below(30), std::byte{0xee});
        return;
      case 4:  // IPv4 total length
        return near(frame, kIp + 2, frame.size() - std::min(frame.size(), kIp));
      case 5:  // UDP length
        return near(frame, kUdp + 4, frame.size() - std::min(frame.size(), kUdp));
      case 6:  // IPv4 flags and offset, mostly one bit
        return put16(frame, kIp + 6, one_in(3) ? random_() : size_t{1} << below(16));
      case 7:  // source address
        return put_address(frame, kIp + 12);
      case 8:  // destination address
        return put_address(frame, kIp + 16);
      default:  // ports, the checksum, and what the type may be taken for
        switch (below(4)) {
          case 0:
            return put16(frame, kUdp, one_in(2) ? 0 : random_());
          case 1:
            return put16(frame, kUdp + 2, one_in(2) ? 0 : kPorts[below(2)] + below(2));
          case 2:
            return put16(frame, kUdp + 6, one_in(2) ? 0 : 0xffff);
          default:
            return put16(frame, 12, 0x0800 + below(8));
        }
    }
  }

  // A length close to the right one.
  void near(Frame& frame, size_t at, size_t right) { put16(frame, at, right + below(24) - 12); }
  static void put16(Frame& frame, size_t at, size_t value) {
    if (at + 2 <= frame.size()) store_be16(frame.data() + at, static_cast<uint16_t>(value));
  }
  void put_address(Frame& frame, size_t at) {
    const uint32_t own = own_.address.value;
    const std::array<uint32_t, 14> wanted{own,
                                          own ^ 1,
                                          own & own_.mask(),
                                          ~0u,
                                          0,
                                          own | ~own_.mask(),
                                          0x7f00'0001,
                                          0x7fff'ffff,
                                          0x8000'0000,
                                          0xdfff'ffff,
                                          0xe000'0001,
                                          0xf000'0000,
                                          0x00ff'ffff,
                                          static_cast<uint32_t>(random_())};
    if (at + 4 <= frame.size()) store_be32(frame.data() + at, wanted[below(wanted.size())]);
  }
  // Puts the checksums right for what stands there now, as far as there is a sense in it.
  void repair(Frame& frame) {
    if (frame.size() < kUdp) return;
    std::byte* const ip = frame.data() + kIp;
    const size_t header = static_cast<size_t>(ip[0] & std::byte{15}) * 4;
    if (header < Ipv4Header::kSize || kIp + header + UdpHeader::kSize > frame.size()) return;
    std::byte* const udp = ip + header;
    const size_t length = load_be16(udp + 4);
    if (ip[9] == std::byte{Ipv4Header::kUdp} && length >= UdpHeader::kSize &&
        kIp + header + length <= frame.size() && load_native16(udp + 6) != 0 && !one_in(4)) {
      store_native16(udp + 6, 0);
      store_native16(udp + 6,
                     udp_checksum({udp, length}, {load_be32(ip + 12)}, {load_be32(ip + 16)}));
    }
    // Now and then of a header without options only, whatever length it states.
    store_native16(ip + 10, 0);
    store_native16(ip + 10, internet_checksum({ip, one_in(4) ? Ipv4Header::kSize : header}));
  }

  std::mt19937 random_;
  Ipv4Prefix own_;
};

TEST_CASE("the quick reading of a frame and the parsers agree on damaged frames") {
  uint32_t seed = 1;
  for (const uint8_t prefix : {24, 31, 32, 8, 0}) {
    auto configuration = TestNetwork::standard();
    configuration.address.length = prefix;
    Pair pair(configuration);
    Mutator mutator(++seed, configuration.address);
    constexpr size_t kFrames = 40'000;
    for (size_t i = 0; i < kFrames; ++i) {
      const Frame frame = mutator.next();
      const auto checksum = mutator.one_in(4) ? ChecksumState::kValid : ChecksumState::kUnknown;
      if (pair.agree(frame, checksum)) continue;
      FAIL("prefix ", +prefix, ", frame ", i, ", vouched for ", checksum == ChecksumState::kValid,
           ": ", hexadecimal(frame));
    }
    // Neither nearly all nor nearly none are good, or little would be compared.
    CHECK(pair.delivered() > kFrames / 5);
    CHECK(pair.delivered() < kFrames * 4 / 5);
  }
}

}  // namespace
}  // namespace plumbline::net
