#include <doctest/doctest.h>

#include <numeric>
#include <string>
#include <vector>

#include "network/arp.hh"
#include "network/checksum.hh"
#include "network/frame.hh"
#include "network/packet_template.hh"

using namespace plumbline::generator;

namespace {

const Endpoint kOwn{*parse_mac("52:54:00:99:99:01"), *parse_ipv4("10.9.0.1")};
const Endpoint kPeer{*parse_mac("52:54:00:12:34:56"), *parse_ipv4("10.9.0.2")};

// A datagram as the peer would send it.
std::vector<uint8_t> datagram(const std::string& payload) {
  std::vector<uint8_t> frame(64 + payload.size());
  PacketTemplate(kPeer, kOwn, 11211, 20000).write(frame.data(), payload.size());
  std::copy(payload.begin(), payload.end(), frame.begin() + kPayloadOffset);
  frame.resize(kPayloadOffset + payload.size());
  return frame;
}

void complete_checksum(std::vector<uint8_t>& frame) {
  const auto length = static_cast<uint16_t>(frame.size() - kUdpOffset);
  const uint64_t pseudo = udp_pseudo_header_sum(frame.data() + kIpOffset, length);
  const auto sum =
      static_cast<uint16_t>(~ones_complement_sum({frame.data() + kUdpOffset, length}, pseudo));
  frame[kUdpOffset + 6] = static_cast<uint8_t>(sum >> 8);
  frame[kUdpOffset + 7] = static_cast<uint8_t>(sum);
}

}  // namespace

TEST_CASE("addresses") {
  CHECK((*parse_ipv4("10.9.0.1"))[3] == 1);
  CHECK((*parse_mac("52:54:00:99:99:01"))[1] == 0x54);
  for (const char* wrong : {"", "10.9.0", "10.9.0.256", "10.9.0.1.", "a.b.c.d", "10.9.0.1x"})
    CHECK_FALSE(parse_ipv4(wrong));
  for (const char* wrong : {"", "52:54:00:99:99", "52:54:00:99:99:1g", "52-54-00-99-99-01"})
    CHECK_FALSE(parse_mac(wrong));
}

TEST_CASE("the example of RFC 1071, section 3") {
  const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  CHECK(ones_complement_sum(bytes) == 0xddf2);
}

TEST_CASE(
    "prepared packets have a right IP checksum at every length and parse to what was put in") {
  for (size_t bytes = 0; bytes <= kMaximumPayload; ++bytes) {
    const std::vector<uint8_t> frame = datagram(std::string(bytes, 'x'));
    REQUIRE(check_headers(frame, kOwn, kPeer) == nullptr);
    const auto parsed = parse_udp(frame, kOwn, kPeer);
    REQUIRE(parsed);
    REQUIRE(parsed->payload.size() == bytes);
    REQUIRE(parsed->source_port == 11211);
    REQUIRE(parsed->destination_port == 20000);
  }
}

TEST_CASE("UDP checksums: absent, complete, partial, wrong") {
  std::vector<uint8_t> frame = datagram("odd");
  CHECK(check_udp_checksum(frame) == UdpChecksum::kAbsent);
  complete_checksum(frame);
  CHECK(check_udp_checksum(frame) == UdpChecksum::kRight);
  frame[kPayloadOffset] ^= 1;
  CHECK(check_udp_checksum(frame) == UdpChecksum::kWrong);
  CHECK(std::string(check_headers(frame, kOwn, kPeer)) == "wrong UDP checksum");
  const uint16_t partial =
      ones_complement_sum({}, udp_pseudo_header_sum(frame.data() + kIpOffset, 11));
  frame[kUdpOffset + 6] = static_cast<uint8_t>(partial >> 8);
  frame[kUdpOffset + 7] = static_cast<uint8_t>(partial);
  CHECK(check_udp_checksum(frame) == UdpChecksum::kPartial);
}

TEST_CASE("what is not a whole datagram from the peer is not taken for one") {
  const std::vector<uint8_t> right = datagram("0123456789");
  for (size_t bytes = 0; bytes < right.size(); ++bytes) {
    CHECK_FALSE(parse_udp(std::span<const uint8_t>(right).first(bytes), kOwn, kPeer));
  }
  const auto changed = [&](size_t offset, uint8_t value) {
    std::vector<uint8_t> frame = right;
    frame[offset] = value;
    return parse_udp(frame, kOwn, kPeer).has_value();
  };
  CHECK_FALSE(changed(12, 0x86));              // not IPv4
  CHECK_FALSE(changed(kIpOffset, 0x65));       // version 6
  CHECK_FALSE(changed(kIpOffset, 0x44));       // header shorter than 20
  CHECK_FALSE(changed(kIpOffset, 0x4f));       // header longer than the packet
  CHECK_FALSE(changed(kIpOffset + 6, 0x20));   // more fragments
  CHECK_FALSE(changed(kIpOffset + 7, 0x01));   // fragment offset
  CHECK_FALSE(changed(kIpOffset + 9, 6));      // TCP
  CHECK_FALSE(changed(kIpOffset + 15, 3));     // another source
  CHECK_FALSE(changed(kUdpOffset + 5, 7));     // shorter than its header
  CHECK_FALSE(changed(kUdpOffset + 5, 0xff));  // longer than the packet
}

TEST_CASE("a large datagram's fragments put together are the datagram") {
  std::vector<uint8_t> payload(60'000);
  std::iota(payload.begin(), payload.end(), uint8_t{0});
  const PacketTemplate packet(kPeer, kOwn, 11211, 20000);
  const size_t count = PacketTemplate::fragment_count(payload.size());
  CHECK(PacketTemplate::fragment_count(kMaximumPayload) == 1);
  CHECK(PacketTemplate::fragment_count(kMaximumPayload + 1) == 2);
  std::vector<uint8_t> whole;
  for (size_t i = 0; i < count; ++i) {
    std::vector<uint8_t> frame(2048);
    frame.resize(packet.write_fragment(frame.data(), payload, i, 77));
    CHECK(frame.size() <= 14 + kMtu);
    CHECK(ones_complement_sum({frame.data() + kIpOffset, 20}) == 0xffff);
    const size_t field = static_cast<size_t>(frame[kIpOffset + 6] << 8 | frame[kIpOffset + 7]);
    CHECK((field & 0x1fff) * 8 == whole.size());
    CHECK(((field & 0x2000) != 0) == (i + 1 < count));
    whole.insert(whole.end(), frame.begin() + kUdpOffset, frame.end());
  }
  REQUIRE(whole.size() == payload.size() + 8);
  std::array<uint8_t, 20> addresses{};
  std::copy(kPeer.ip.begin(), kPeer.ip.end(), addresses.begin() + 12);
  std::copy(kOwn.ip.begin(), kOwn.ip.end(), addresses.begin() + 16);
  const uint64_t pseudo =
      udp_pseudo_header_sum(addresses.data(), static_cast<uint16_t>(whole.size()));
  CHECK(ones_complement_sum(whole, pseudo) == 0xffff);
  CHECK(std::equal(payload.begin(), payload.end(), whole.begin() + 8));
}

TEST_CASE("ARP: only complete requests for our address are answered") {
  std::vector<uint8_t> request(kArpFrameBytes);
  const uint8_t header[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0x12, 0x34,
                            0x56, 8,    6,    0,    1,    8,    0,    6,    4, 0,    1};
  std::copy(std::begin(header), std::end(header), request.begin());
  std::copy(kPeer.mac.begin(), kPeer.mac.end(), request.begin() + 22);
  std::copy(kPeer.ip.begin(), kPeer.ip.end(), request.begin() + 28);
  std::copy(kOwn.ip.begin(), kOwn.ip.end(), request.begin() + 38);
  CHECK(classify_arp(request, AddressRange(kOwn.ip, 1, kPeer.ip)) == ArpKind::kRequestForUs);
  CHECK(classify_arp(request, AddressRange(kPeer.ip, 1, kOwn.ip)) == ArpKind::kOther);
  CHECK(classify_arp(std::span<const uint8_t>(request).first(41),
                     AddressRange(kOwn.ip, 1, kPeer.ip)) == ArpKind::kOther);
  CHECK(classify_arp(std::span<const uint8_t>(request).first(13),
                     AddressRange(kOwn.ip, 1, kPeer.ip)) == ArpKind::kNone);

  std::array<uint8_t, kArpFrameBytes> reply;
  write_arp_reply(request, kOwn.mac, reply);
  CHECK(std::equal(kPeer.mac.begin(), kPeer.mac.end(), reply.begin()));
  CHECK(reply[21] == 2);
  CHECK(std::equal(kOwn.mac.begin(), kOwn.mac.end(), reply.begin() + 22));
  CHECK(std::equal(kOwn.ip.begin(), kOwn.ip.end(), reply.begin() + 28));
  CHECK(std::equal(kPeer.ip.begin(), kPeer.ip.end(), reply.begin() + 38));
}

TEST_CASE("consecutive addresses pass over the peer's") {
  const Ipv4Address first{10, 9, 0, 1}, next{10, 9, 0, 2}, before{10, 9, 0, 0}, far{10, 9, 1, 0};
  const uint32_t number = number_of(first);
  const AddressRange three(first, 3, next);
  CHECK(three.at(0) == number);
  CHECK(three.at(1) == number + 2);
  CHECK(three.at(2) == number + 3);
  CHECK(three.contains(number));
  CHECK_FALSE(three.contains(number + 1));
  CHECK(three.contains(number + 3));
  CHECK_FALSE(three.contains(number + 4));
  CHECK_FALSE(three.contains(number - 1));
  for (const Ipv4Address& peer : {before, far}) {
    const AddressRange two(first, 2, peer);
    CHECK(two.at(1) == number + 1);
    CHECK(two.contains(number + 1));
    CHECK_FALSE(two.contains(number + 2));
  }
  CHECK_FALSE(AddressRange(first, 1, next).contains(number + 1));
}
