// For hosted tests and fuzzers: an Interface with memory of its own, fed with frames as bytes, and
// the frames it sends, collected. Checksums that were left to the device are completed, as a
// device does.
#pragma once

#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/interface.hh"

namespace plumbline::net {

using Frame = std::vector<std::byte>;

// Memory aligned like pages.
class AlignedMemory {
 public:
  explicit AlignedMemory(size_t size)
      : size_((size + 4095) / 4096 * 4096),
        data_(static_cast<std::byte*>(std::aligned_alloc(4096, size_))) {
    if (data_ == nullptr) std::abort();
    // Nothing may rely on memory being zero at first.
    std::memset(data_, 0xa5, size_);
  }
  ~AlignedMemory() { std::free(data_); }
  AlignedMemory(const AlignedMemory&) = delete;
  AlignedMemory& operator=(const AlignedMemory&) = delete;
  std::span<std::byte> span() { return {data_, size_}; }

 private:
  size_t size_;
  std::byte* data_;
};

inline constexpr MacAddress kGuestMac{{0x52, 0x54, 0x00, 0x12, 0x34, 0x56}};
inline constexpr MacAddress kPeerMac{{0x52, 0x54, 0x00, 0x99, 0x99, 0x01}};
inline constexpr Ipv4Address kGuestAddress = Ipv4Address::of(10, 9, 0, 2);
inline constexpr Ipv4Address kPeerAddress = Ipv4Address::of(10, 9, 0, 1);

class TestNetwork {
 public:
  static InterfaceConfiguration standard() {
    InterfaceConfiguration configuration;
    configuration.mac = kGuestMac;
    configuration.address = {kGuestAddress, 24};
    configuration.gateway = Ipv4Address::of(10, 9, 0, 254);
    configuration.now = [] { return time_ns; };
    return configuration;
  }

  explicit TestNetwork(const InterfaceConfiguration& configuration = standard(),
                       size_t buffers = 256, size_t reassembly_slots = 4)
      : buffer_memory_(BufferPool::bytes_needed(buffers)),
        reassembly_memory_(reassembly_slots * Reassembler::kSlotBytes),
        interface((pool.init(buffer_memory_.span().first(BufferPool::bytes_needed(buffers)), 0),
                   configuration),
                  pool,
                  reassembly_memory_.span().first(reassembly_slots * Reassembler::kSlotBytes)),
        out(
            [](void* self, std::span<PacketBuffer* const> packets) {
              static_cast<TestNetwork*>(self)->take(packets);
            },
            this) {}

  // Gives the interface one received frame.
  void feed(std::span<const std::byte> frame, ChecksumState checksum = ChecksumState::kUnknown) {
    PacketBuffer* const buffer = load(frame, checksum);
    if (buffer == nullptr) return;
    interface.receive(buffer, out);
    out.flush();
  }
  // A packet buffer holding the frame; nullptr when none is left or it is too long for one.
  PacketBuffer* load(std::span<const std::byte> frame,
                     ChecksumState checksum = ChecksumState::kUnknown) {
    if (frame.size() > BufferPool::kCapacity) return nullptr;
    PacketBuffer* const buffer = pool.allocate();
    if (buffer == nullptr) return nullptr;
    if (!frame.empty()) std::memcpy(buffer->data, frame.data(), frame.size());
    buffer->length = static_cast<uint32_t>(frame.size());
    buffer->checksum = checksum;
    return buffer;
  }
  // What was sent since the last call.
  std::vector<Frame> sent() { return std::move(sent_); }

  // Set to false where the frames do not matter.
  bool keep = true;
  // The clock that standard() uses.
  static inline uint64_t time_ns = 0;
  BufferPool pool;

 private:
  void take(std::span<PacketBuffer* const> packets) {
    for (PacketBuffer* packet : packets) {
      if (packet->checksum == ChecksumState::kPartial) {
        std::byte* const from = packet->data + packet->checksum_start;
        const size_t length = packet->length - packet->checksum_start;
        const uint16_t checksum = internet_checksum({from, length});
        store_native16(from + packet->checksum_offset, checksum == 0 ? 0xffff : checksum);
      }
      if (keep) sent_.emplace_back(packet->data, packet->data + packet->length);
      pool.release_chain(packet);
    }
  }

  AlignedMemory buffer_memory_;
  AlignedMemory reassembly_memory_;
  std::vector<Frame> sent_;

 public:
  Interface interface;
  Transmit out;
};

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct FrameOptions {
  MacAddress destination = kGuestMac;
  Ipv4Address from = kPeerAddress;
  Ipv4Address to = kGuestAddress;
  bool checksum = true;
  size_t option_bytes = 0;  // IPv4 options (no-operation), a multiple of 4
};

// An Ethernet frame with an IPv4 packet around `payload`, whole or a fragment.
inline Frame ipv4_frame(uint8_t protocol, std::span<const std::byte> payload,
                        const FrameOptions& options = {}, uint16_t identification = 1,
                        size_t fragment_offset = 0, bool more = false) {
  const size_t header = Ipv4Header::kSize + options.option_bytes;
  Frame frame(EthernetHeader::kSize + header + payload.size());
  EthernetHeader{options.destination, kPeerMac, EthernetHeader::kIpv4}.emit(frame.data());
  std::byte* const at = frame.data() + EthernetHeader::kSize;
  Ipv4Header ip;
  ip.total_length = static_cast<uint16_t>(header + payload.size());
  ip.identification = identification;
  ip.fragment_offset = static_cast<uint16_t>(fragment_offset);
  ip.more_fragments = more;
  ip.protocol = protocol;
  ip.source = options.from;
  ip.destination = options.to;
  ip.emit(at);
  if (options.option_bytes != 0) {
    std::memset(at + Ipv4Header::kSize, 1, options.option_bytes);
    at[0] = static_cast<std::byte>(0x40 | header / 4);
    store_native16(at + 10, 0);
    store_native16(at + 10, internet_checksum({at, header}));
  }
  if (!payload.empty()) std::memcpy(at + header, payload.data(), payload.size());
  return frame;
}

// A UDP segment with its checksum.
inline Frame udp_segment(uint16_t source_port, uint16_t destination_port,
                         std::span<const std::byte> payload, const FrameOptions& options = {}) {
  Frame segment(UdpHeader::kSize + payload.size());
  UdpHeader{source_port, destination_port, static_cast<uint16_t>(segment.size()), false}.emit(
      segment.data());
  if (!payload.empty())
    std::memcpy(segment.data() + UdpHeader::kSize, payload.data(), payload.size());
  if (options.checksum)
    store_native16(segment.data() + UdpHeader::kChecksumOffset,
                   udp_checksum(segment, options.from, options.to));
  return segment;
}

inline Frame udp_frame(uint16_t source_port, uint16_t destination_port, std::string_view payload,
                       const FrameOptions& options = {}) {
  return ipv4_frame(Ipv4Header::kUdp,
                    udp_segment(source_port, destination_port, bytes_of(payload), options),
                    options);
}

inline Frame arp_frame(const ArpPacket& arp, MacAddress destination = MacAddress::broadcast()) {
  Frame frame(EthernetHeader::kSize + ArpPacket::kSize);
  EthernetHeader{destination, arp.sender_mac, EthernetHeader::kArp}.emit(frame.data());
  arp.emit(frame.data() + EthernetHeader::kSize);
  return frame;
}

// A UDP datagram in a frame that was sent, checked: both checksums right, addressed from the guest.
struct SentDatagram {
  MacAddress to_mac;
  Ipv4Address to;
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  bool checksummed = false;
  std::string payload;
};
inline std::optional<SentDatagram> parse_sent(const Frame& frame) {
  const auto ethernet = EthernetHeader::parse(frame);
  if (!ethernet || ethernet->type != EthernetHeader::kIpv4 || ethernet->source != kGuestMac)
    return std::nullopt;
  const auto packet = std::span(frame).subspan(EthernetHeader::kSize);
  const auto ip = Ipv4Header::parse(packet);
  if (!ip || ip->protocol != Ipv4Header::kUdp || ip->is_fragment() ||
      ip->total_length != packet.size())
    return std::nullopt;
  const auto segment = packet.subspan(ip->header_length);
  const auto udp = UdpHeader::parse(segment);
  if (!udp || udp->length != segment.size() ||
      (udp->checksummed && !udp_checksum_valid(segment, ip->source, ip->destination)))
    return std::nullopt;
  return SentDatagram{ethernet->destination, ip->destination,  udp->source_port,
                      udp->destination_port, udp->checksummed, text_of(segment.subspan(8))};
}

}  // namespace plumbline::net
