#include <doctest/doctest.h>

#include <string>

#include "vring/frame_receive_ring.hh"
#include "vring/frame_send_ring.hh"
#include "vring/test_guest.hh"

using namespace plumbline::generator;
using plumbline::net::ChecksumState;
using plumbline::net::PacketBuffer;

namespace {

std::string text_of(const PacketBuffer& frame) {
  std::string text;
  for (const PacketBuffer* piece = &frame; piece != nullptr; piece = piece->next)
    text.append(reinterpret_cast<const char*>(piece->data), piece->length);
  return text;
}

// A frame in one buffer, or in pieces of so many bytes.
PacketBuffer* frame_of(FrameMemory& memory, const std::string& text, size_t piece_bytes = 65536) {
  PacketBuffer* first = nullptr;
  PacketBuffer** end = &first;
  for (size_t at = 0; at < text.size(); at += piece_bytes) {
    const size_t bytes = std::min(piece_bytes, text.size() - at);
    *end = memory.allocate(static_cast<uint32_t>(bytes));
    std::memcpy((*end)->data, text.data() + at, bytes);
    end = &(*end)->next;
  }
  return first;
}

std::string pattern(size_t bytes) {
  std::string text(bytes, ' ');
  for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('a' + i % 23 + i / 1000 % 3);
  return text;
}

NetHeader header_at(const uint8_t* bytes) {
  NetHeader header = read_header(bytes);
  std::memcpy(&header.buffers, bytes + 10, 2);
  return header;
}

void offer_buffers(TestGuest& guest, uint16_t count) {
  for (uint16_t i = 0; i < count; ++i) {
    guest.describe(i, TestGuest::address(i), TestGuest::kBufferBytes, VRING_DESC_F_WRITE);
    guest.offer(i);
  }
}

}  // namespace

TEST_CASE("a long frame goes into as many of the guest's buffers as it needs") {
  FrameMemory memory;
  TestGuest guest(64);
  guest.area.mergeable = true;
  offer_buffers(guest, 40);
  FrameSendRing ring(guest.area, guest.memory);
  const std::string text = pattern(65'000);
  PacketBuffer* const frame = frame_of(memory, text, 7001);
  frame->checksum = ChecksumState::kSegmentsIpv4;
  frame->segment_size = 1448;
  REQUIRE(ring.write(*frame));
  plumbline::net::release_chain(frame);
  CHECK_FALSE(guest.next_used());
  ring.publish();
  const NetHeader header = header_at(guest.buffer(0));
  CHECK(header.flags == NetHeader::kNeedsChecksum);
  CHECK(header.segmentation == NetHeader::kTcpIpv4);
  CHECK(header.segment_size == 1448);
  CHECK(header.checksum_start == 34);
  CHECK(header.checksum_offset == 16);
  CHECK(header.buffers == 32);
  std::string seen;
  for (size_t i = 0; i < 32; ++i) {
    const auto used = guest.next_used();
    REQUIRE(used);
    CHECK(used->id == i);
    const size_t skip = i == 0 ? 12 : 0;
    seen.append(reinterpret_cast<const char*>(guest.buffer(i)) + skip, used->len - skip);
  }
  CHECK(seen == text);
  CHECK_FALSE(guest.next_used());
}

TEST_CASE("a frame that has no room changes nothing, and is written when there is") {
  FrameMemory memory;
  TestGuest guest(8);
  guest.area.mergeable = true;
  offer_buffers(guest, 2);
  FrameSendRing ring(guest.area, guest.memory);
  PacketBuffer* const frame = frame_of(memory, pattern(5000));
  CHECK_FALSE(ring.write(*frame));
  ring.publish();
  CHECK_FALSE(guest.next_used());
  guest.describe(2, TestGuest::address(2), TestGuest::kBufferBytes, VRING_DESC_F_WRITE);
  guest.offer(2);
  CHECK(ring.write(*frame));
  ring.publish();
  CHECK(guest.next_used()->id == 0);
  CHECK(guest.next_used()->id == 1);
  CHECK(guest.next_used()->len == 5012 - 2 * 2048);
  plumbline::net::release_chain(frame);
}

TEST_CASE("without merging a frame stays in one entry, and entries too small go back") {
  FrameMemory memory;
  TestGuest guest(8);
  offer_buffers(guest, 1);
  // A chain of three that holds it.
  for (uint16_t i = 1; i < 4; ++i) {
    guest.describe(i, TestGuest::address(i), TestGuest::kBufferBytes,
                   VRING_DESC_F_WRITE | (i < 3 ? VRING_DESC_F_NEXT : 0),
                   static_cast<uint16_t>(i + 1));
  }
  guest.offer(1);
  FrameSendRing ring(guest.area, guest.memory);
  const std::string text = pattern(5000);
  PacketBuffer* const frame = frame_of(memory, text);
  CHECK(ring.write(*frame));
  ring.publish();
  const auto unused = guest.next_used();
  CHECK(unused->id == 0);
  CHECK(unused->len == 0);
  const auto used = guest.next_used();
  CHECK(used->id == 1);
  CHECK(used->len == 5012);
  CHECK(header_at(guest.buffer(1)).flags == 0);
  // The guest's buffers lie one behind the other.
  CHECK(std::string(reinterpret_cast<const char*>(guest.buffer(1)) + 12, 5000) == text);
  plumbline::net::release_chain(frame);
}

TEST_CASE("frames of the guest are copied, with what their headers say of them") {
  FrameMemory memory;
  TestGuest guest(16);
  std::array<PacketBuffer*, FrameReceiveRing::kBurst> frames;
  uint64_t lost = 0;
  const std::string text = pattern(1000);
  const auto put = [&](uint16_t number, uint8_t flags, uint8_t segmentation, uint16_t size) {
    uint8_t* const at = guest.buffer(number);
    std::memset(at, 0, 12);
    at[0] = flags;
    at[1] = segmentation;
    std::memcpy(at + 4, &size, 2);
    std::memcpy(at + 12, text.data(), text.size());
    guest.describe(number, TestGuest::address(number), 1012, 0);
    guest.offer(number);
  };
  put(0, 0, 0, 0);
  put(1, NetHeader::kNeedsChecksum, 0, 0);
  put(2, NetHeader::kNeedsChecksum, NetHeader::kTcpIpv4, 500);
  // In pieces: the header alone and in two, and a frame of 20,000 bytes.
  for (uint16_t i = 3; i < 13; ++i) {
    std::memset(guest.buffer(i), 'p', TestGuest::kBufferBytes);
    guest.describe(i, TestGuest::address(i),
                   i == 3   ? 7
                   : i == 4 ? 5
                            : 2048,
                   i < 12 ? VRING_DESC_F_NEXT : uint16_t{0}, static_cast<uint16_t>(i + 1));
  }
  guest.offer(3);
  FrameReceiveRing ring(guest.area, guest.memory);
  CHECK(ring.take(memory, frames, lost) == 4);
  CHECK(ring.stirred());
  CHECK(lost == 0);
  CHECK(frames[0]->checksum == ChecksumState::kUnknown);
  CHECK(frames[1]->checksum == ChecksumState::kValid);
  CHECK(frames[2]->checksum == ChecksumState::kJoined);
  CHECK(frames[2]->segment_size == 500);
  for (int i = 0; i < 3; ++i) CHECK(text_of(*frames[static_cast<size_t>(i)]) == text);
  CHECK(text_of(*frames[3]) == std::string(8 * 2048, 'p'));
  for (int i = 0; i < 4; ++i) {
    CHECK(guest.next_used()->len == 0);
    plumbline::net::release(frames[static_cast<size_t>(i)]);
  }
  CHECK(ring.take(memory, frames, lost) == 0);
  CHECK_FALSE(ring.stirred());
}

TEST_CASE("what the guest got wrong is given back and counted") {
  FrameMemory memory;
  TestGuest guest(8);
  guest.describe(0, 0xdead0000, 100, 0);                                // not its memory
  guest.describe(1, TestGuest::address(1), 12, 0);                      // a header alone
  guest.describe(2, TestGuest::address(2), 100, VRING_DESC_F_WRITE);    // the other way
  guest.describe(3, TestGuest::address(3), 100, VRING_DESC_F_NEXT, 3);  // in a circle
  guest.describe(4, TestGuest::address(4), 70'000, 0);                  // too long
  for (const uint16_t head : {0, 1, 2, 3, 4, 9}) guest.offer(static_cast<uint16_t>(head));
  FrameReceiveRing ring(guest.area, guest.memory);
  std::array<PacketBuffer*, FrameReceiveRing::kBurst> frames;
  uint64_t lost = 0;
  CHECK(ring.take(memory, frames, lost) == 0);
  CHECK(lost == 6);
  for (int i = 0; i < 6; ++i) CHECK(guest.next_used());
}
