// memcached's UDP frame (protocol.txt, "UDP protocol") and answers of one or more datagrams in it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "apps/memcached/short_bytes.hh"
#include "core/byte_order.hh"
#include "net/interface.hh"

namespace plumbline::memcached {

struct UdpFrame {
  static constexpr size_t kSize = 8;
  // Frame included; what memcached itself sends (UDP_MAX_PAYLOAD_SIZE).
  static constexpr size_t kMaximumDatagram = 1400;

  uint16_t request_id = 0;
  uint16_t sequence = 0;
  uint16_t total = 1;

  // The frame of a request, or nothing when it is short, without any request behind it, or part of
  // a request of several datagrams, which memcached does not take either.
  static std::optional<UdpFrame> parse(std::span<const std::byte> datagram) {
    if (datagram.size() <= kSize) return std::nullopt;
    const UdpFrame frame{load_be16(datagram.data()), load_be16(datagram.data() + 2),
                         load_be16(datagram.data() + 4)};
    // memcached ignores the request's sequence number.
    if (frame.total != 1) [[unlikely]]
      return std::nullopt;
    return frame;
  }
  void emit(std::byte* at) const {
    store_be64(at, uint64_t{request_id} << 48 | uint64_t{sequence} << 32 | uint64_t{total} << 16);
  }
};

// Writes one answer, whose size is known in advance, into as many datagrams as it takes. The first
// one overwrites the request when `in_place` is allowed and the request has a buffer; nothing of
// the request may be needed from begin() on then.
class UdpAnswer {
 public:
  UdpAnswer(net::UdpResponder& responder, uint16_t request_id, bool in_place)
      : responder_(responder), frame_{request_id, 0, 1}, in_place_(in_place) {}
  UdpAnswer(const UdpAnswer&) = delete;
  UdpAnswer& operator=(const UdpAnswer&) = delete;

  // Starts an answer of `size` bytes, which must all be appended.
  void begin(size_t size) {
    constexpr size_t kData = UdpFrame::kMaximumDatagram - UdpFrame::kSize;
    frame_.total = static_cast<uint16_t>(size <= kData ? 1 : (size + kData - 1) / kData);
    open();
  }
  void append(const std::byte* bytes, size_t size) {
    while (size > 0) {
      if (at_ == end_) {
        close();
        ++frame_.sequence;
        open();
      }
      // Without a buffer the rest is lost, as any datagram may be; the client sees the gap.
      const size_t piece = failed_ ? size : std::min(size, static_cast<size_t>(end_ - at_));
      if (!failed_) {
        copy_short(at_, bytes, piece);
        at_ += piece;
      }
      bytes += piece;
      size -= piece;
    }
  }
  void end() { close(); }

 private:
  void open() {
    if (failed_) return;
    std::span<std::byte> room;
    buffer_ = nullptr;
    if (in_place_) room = responder_.room();
    in_place_ = false;
    if (room.size() < UdpFrame::kMaximumDatagram) {
      buffer_ = responder_.allocate();
      if (buffer_ == nullptr) {
        failed_ = true;
        return;
      }
      room = responder_.room(buffer_);
    }
    start_ = room.data();
    at_ = start_ + UdpFrame::kSize;
    end_ = start_ + UdpFrame::kMaximumDatagram;
  }
  void close() {
    if (failed_) return;
    frame_.emit(start_);
    const auto length = static_cast<size_t>(at_ - start_);
    if (buffer_ != nullptr) {
      responder_.reply_from(buffer_, length);
    } else {
      responder_.reply_in_place(length);
    }
  }

  net::UdpResponder& responder_;
  UdpFrame frame_;
  bool in_place_;
  bool failed_ = false;
  net::PacketBuffer* buffer_ = nullptr;
  std::byte* start_ = nullptr;
  std::byte* at_ = nullptr;
  std::byte* end_ = nullptr;
};

}  // namespace plumbline::memcached
