#include "drivers/virtio/net_queue_pair.hh"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/byte_order.hh"
#include "core/idle.hh"

namespace plumbline::virtio {
namespace {

using net::ChecksumState;
using net::PacketBuffer;

constexpr uint8_t kHeaderNeedsChecksum = 1;
constexpr uint8_t kHeaderDataValid = 2;
// Kinds of segmentation (virtio 1.2, 5.1.6).
constexpr uint8_t kTcpIpv4 = 1;
constexpr uint8_t kTcpIpv6 = 4;
constexpr uint8_t kWithReduced = 0x80;  // VIRTIO_NET_HDR_GSO_ECN

// Places of a TCP header (RFC 9293, 3.1).
constexpr uint32_t kTcpLengthAt = 12;  // upper four bits: words of the header
constexpr uint32_t kTcpFlagsAt = 13;
constexpr uint8_t kTcpReduced = 0x80;  // CWR
constexpr uint32_t kTcpLeast = 20;

// Frames in the ring before those that were sent are taken back, when the next is large: each may
// tie up 64 KiB, which are better used again while they are in the cache.
constexpr unsigned kReclaimLargeAt = 16;

// How often a full transmit ring is looked at before frames are dropped: a device that works at all
// frees a place in far less (about 0.1 to 0.5 ms of polling).
constexpr unsigned kFullRingPolls = 20000;

// Waiting stands in the idle section, where the instruction counter knows it for waiting.
IDLE_TEXT bool poll_for_used(const SplitQueue& queue, unsigned polls) {
  for (; polls != 0; --polls) {
    if (queue.has_used()) return true;
    cpu_relax();
  }
  return false;
}

// Completes a partial checksum for a device that does not (RFC 1071). Rare: a stack that knows the
// device's features does not leave checksums partial. False: the place lies outside of the frame's
// first buffer.
bool complete_checksum(PacketBuffer& frame) {
  const uint32_t field = uint32_t{frame.checksum_start} + frame.checksum_offset;
  if (frame.checksum_start > frame.length || field + 2 > frame.length) return false;
  uint64_t sum = 0;
  bool odd = false;
  for (const PacketBuffer* piece = &frame; piece != nullptr; piece = piece->next) {
    for (uint32_t i = piece == &frame ? frame.checksum_start : 0; i < piece->length; ++i) {
      const auto byte = static_cast<uint8_t>(piece->data[i]);
      sum += odd ? byte : uint64_t{byte} << 8;
      odd = !odd;
    }
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  uint16_t result = static_cast<uint16_t>(~sum);
  if (result == 0) result = 0xffff;  // RFC 768: 0 means that there is none
  frame.data[field] = static_cast<std::byte>(result >> 8);
  frame.data[field + 1] = static_cast<std::byte>(result);
  frame.checksum = ChecksumState::kUnknown;
  return true;
}

}  // namespace

void NetQueuePair::init(SplitQueue& receive, Doorbell receive_doorbell, SplitQueue& transmit,
                        Doorbell transmit_doorbell, net::BufferPool& pool,
                        NetQueueFeatures features) {
  receive_ = &receive;
  transmit_ = &transmit;
  pool_ = &pool;
  receive_doorbell_ = receive_doorbell;
  transmit_doorbell_ = transmit_doorbell;
  features_ = features;
  usual_checksum_ = features.transmit_checksum ? ChecksumState::kPartial : ChecksumState::kJoined;
  receive_target_ = static_cast<unsigned>(std::min<size_t>(receive.size(), pool.count() * 2 / 3));
  refill_at_ = std::clamp(receive_target_ / 8, 1u, 16u);
  // A small pool must not lie in the ring, sent long ago, when the next frame needs a buffer.
  reclaim_at_ = static_cast<unsigned>(std::min<size_t>(
      transmit.size() / 2, std::max<size_t>((pool.count() - receive_target_) / 2, 1)));
  receive_->disarm_interrupt();
  transmit_->disarm_interrupt();
  while (receive_->in_flight() < receive_target_) {
    PacketBuffer* const buffer = pool_->allocate();
    receive_->add_writable(
        {buffer->physical, static_cast<uint32_t>(PacketBuffer::kHeadroom + buffer->capacity)},
        buffer);
  }
  // Whether the device wants to be notified is known now, but it may only be done after DRIVER_OK.
  start_notification_ = receive_->publish();
}

void NetQueuePair::start() {
  if (!start_notification_) return;
  ++statistics_.notifications;
  receive_doorbell_.ring();
}

void NetQueuePair::interrupted(void* argument) {
  auto& pair = *static_cast<NetQueuePair*>(argument);
  ++pair.statistics_.interrupts;
  if (pair.wake_ != nullptr) pair.wake_(pair.wake_argument_);
}

void NetQueuePair::publish_receive() {
  if (receive_->publish()) {
    ++statistics_.notifications;
    receive_doorbell_.ring();
  }
}

inline void NetQueuePair::publish_transmit() {
  if (transmit_->publish()) {
    ++statistics_.notifications;
    transmit_doorbell_.ring();
  }
}

void NetQueuePair::refill() {
  const unsigned in_flight = receive_->in_flight();
  if (in_flight < receive_target_) {
    // accept() sets what is set in a received frame.
    receive_->add_writables(receive_target_ - in_flight, [this](Segment& segment, void*& token) {
      PacketBuffer* buffer = pool_->allocate_unset();
      if (buffer == nullptr) [[unlikely]] {
        reclaim();
        buffer = pool_->allocate_unset();
        if (buffer == nullptr) {
          ++statistics_.refill_shortages;
          return false;
        }
      }
      segment = {buffer->physical,
                 static_cast<uint32_t>(PacketBuffer::kHeadroom + buffer->capacity)};
      token = buffer;
      return true;
    });
  }
  publish_receive();
}

// Turns a used buffer into a frame, or into a part of one. Returns a frame that is complete.
inline PacketBuffer* NetQueuePair::accept(const Completion& completion) {
  auto* const buffer = static_cast<PacketBuffer*>(completion.token);
  if (partial_left_ != 0) [[unlikely]] {
    // The rest of a frame has no header of its own (virtio 1.2, 5.1.6.4).
    buffer->data = buffer->memory;
    buffer->length = completion.length;
    buffer->next = nullptr;
    buffer->checksum = ChecksumState::kUnknown;
    partial_tail_->next = buffer;
    partial_tail_ = buffer;
    if (--partial_left_ != 0) return nullptr;
    PacketBuffer* const frame = partial_head_;
    partial_head_ = partial_tail_ = nullptr;
    return frame;
  }
  if (completion.length < sizeof(NetHeader)) [[unlikely]] {
    ++statistics_.dropped_malformed;
    pool_->release(buffer);
    return nullptr;
  }
  // Each read once: the device could still write to the buffer.
  const auto& header = *reinterpret_cast<const NetHeader*>(buffer->memory);
  // The flags, and in the upper half what kind of segments were joined.
  const uint16_t flags = load_once(*reinterpret_cast<const uint16_t*>(buffer->memory));
  const uint16_t buffer_count = load_once(header.buffer_count);
  buffer->data = buffer->memory + PacketBuffer::kHeadroom;
  buffer->length = completion.length - static_cast<uint32_t>(sizeof(NetHeader));
  buffer->next = nullptr;
  buffer->checksum =
      features_.receive_checksum && (flags & (kHeaderDataValid | kHeaderNeedsChecksum)) != 0
          ? ChecksumState::kValid
          : ChecksumState::kUnknown;
  if (flags > UINT8_MAX) [[unlikely]]
    accept_joined(buffer, static_cast<uint8_t>(flags >> 8));
  if (features_.mergeable_buffers && buffer_count != 1) [[unlikely]] {
    // No frame needs more than kMostPieces; a device that claims so must not tie up the whole ring.
    if (buffer_count == 0 || buffer_count > std::min(kMostPieces, receive_target_)) {
      ++statistics_.dropped_malformed;
      pool_->release(buffer);
      return nullptr;
    }
    partial_head_ = partial_tail_ = buffer;
    partial_left_ = buffer_count - 1u;
    return nullptr;
  }
  return buffer;
}

// A frame that the device put together. Of a kind that it was not asked for, nothing is believed:
// its checksum is looked at, which such a frame's is mostly not right.
void NetQueuePair::accept_joined(PacketBuffer* frame, uint8_t kind) const {
  const uint16_t size = load_once(reinterpret_cast<const NetHeader*>(frame->memory)->gso_size);
  kind &= static_cast<uint8_t>(~kWithReduced);
  if (!features_.receive_joined || (kind != kTcpIpv4 && kind != kTcpIpv6) || size == 0 ||
      frame->checksum != ChecksumState::kValid) {
    frame->checksum = ChecksumState::kUnknown;
    return;
  }
  frame->checksum = ChecksumState::kJoined;
  frame->segment_size = size;
}

size_t NetQueuePair::receive(std::span<PacketBuffer*> frames) {
  std::array<Completion, kBurst> completions;
  const size_t count =
      receive_->take_used(std::span(completions).first(std::min<size_t>(frames.size(), kBurst)));
  if (count == 0) {
    ++statistics_.empty_polls;
    if (receive_->in_flight() < receive_target_) [[unlikely]]
      refill();
    check_broken();
    return 0;
  }
  ++statistics_.bursts_received;
  // All misses of the burst at once, to write: the device's core owns these lines, and the answer
  // is mostly written in place. Three lines hold a small request and its answer.
  for (size_t i = 0; i < count; ++i) {
    const std::byte* const memory = static_cast<PacketBuffer*>(completions[i].token)->memory;
    prefetch_to_write(memory);
    prefetch_to_write(memory + 64);
    prefetch_to_write(memory + 128);
  }
  transmit_->prefetch_descriptors(static_cast<unsigned>(count));
  if (receive_target_ - receive_->in_flight() >= refill_at_) refill();
  size_t complete = 0;
  for (size_t i = 0; i < count; ++i) {
    if (PacketBuffer* const frame = accept(completions[i]); frame != nullptr) {
      statistics_.bytes_received += frame->length;
      frames[complete++] = frame;
    }
  }
  statistics_.packets_received += complete;
  return complete;
}

bool NetQueuePair::wait_for_room(unsigned descriptors) {
  publish_transmit();
  reclaim();
  while (transmit_->free_descriptors() < descriptors) {
    if (transmit_->broken() != nullptr) return false;
    ++statistics_.transmit_waits;
    if (!poll_for_used(*transmit_, kFullRingPolls)) return false;
    reclaim();
  }
  return true;
}

// Puts the device's header in front of a frame whose checksum is complete, or left to the device.
[[gnu::always_inline]] inline void NetQueuePair::put_header(const PacketBuffer* frame) {
  ASSERT(frame->data - frame->memory >= static_cast<ptrdiff_t>(sizeof(NetHeader)));
  NetHeader header{};
  if (frame->checksum == ChecksumState::kPartial) {
    header.flags = kHeaderNeedsChecksum;
    header.checksum_start = frame->checksum_start;
    header.checksum_offset = frame->checksum_offset;
  }
  // Field by field: only then does the compiler keep the header in registers.
  std::byte* const at = frame->data - sizeof header;
  store_unaligned(at, uint64_t{header.flags} | uint64_t{header.gso_type} << 8 |
                          uint64_t{header.header_length} << 16 | uint64_t{header.gso_size} << 32 |
                          uint64_t{header.checksum_start} << 48);
  store_unaligned(at + 8, uint32_t{header.checksum_offset} | uint32_t{header.buffer_count} << 16);
}

// A frame in one buffer, for which there is room, and that needs nothing of the driver.
[[gnu::always_inline]] inline bool NetQueuePair::is_usual(const PacketBuffer* frame) const {
  return frame->next == nullptr && transmit_->free_descriptors() != 0 &&
         frame->checksum <= usual_checksum_;
}

[[gnu::always_inline]] inline bool NetQueuePair::add_usual_frame(PacketBuffer* frame) {
  put_header(frame);
  if (!transmit_->add_readable({frame->data_physical() - sizeof(NetHeader),
                                frame->length + static_cast<uint32_t>(sizeof(NetHeader))},
                               frame)) [[unlikely]]
    return false;
  statistics_.bytes_sent += frame->length;
  return true;
}

// The header of a frame that the device is to cut into segments (virtio 1.2, 5.1.6.2.1). False: it
// does not do this, or where the headers end is not in the frame's first buffer.
bool NetQueuePair::put_segments_header(const PacketBuffer* frame) const {
  ASSERT(frame->data - frame->memory >= static_cast<ptrdiff_t>(sizeof(NetHeader)));
  const bool ipv6 = frame->checksum == ChecksumState::kSegmentsIpv6;
  if (!(ipv6 ? features_.segments_ipv6 : features_.segments_ipv4) || frame->segment_size == 0 ||
      frame->checksum_start + kTcpLeast > frame->length)
    return false;
  const std::byte* const tcp = frame->data + frame->checksum_start;
  const uint32_t tcp_length = static_cast<uint32_t>(tcp[kTcpLengthAt]) >> 4 << 2;
  if (frame->checksum_start + tcp_length > frame->length) return false;
  NetHeader header;
  header.flags = kHeaderNeedsChecksum;
  header.gso_type = ipv6 ? kTcpIpv6 : kTcpIpv4;
  // A device that does not know CWR repeats it, which says nothing new (RFC 3168, 6.1.3).
  if (features_.segments_reduced && (static_cast<uint8_t>(tcp[kTcpFlagsAt]) & kTcpReduced) != 0)
    header.gso_type |= kWithReduced;
  header.header_length = static_cast<uint16_t>(frame->checksum_start + tcp_length);
  header.gso_size = frame->segment_size;
  header.checksum_start = frame->checksum_start;
  header.checksum_offset = frame->checksum_offset;
  std::memcpy(frame->data - sizeof header, &header, sizeof header);
  return true;
}

bool NetQueuePair::add_any_frame(PacketBuffer* frame) {
  if (transmit_->in_flight() >= kReclaimLargeAt) reclaim();
  if (frame->checksum > ChecksumState::kPartial) {
    if (!put_segments_header(frame)) {
      ++statistics_.dropped_malformed;
      return false;
    }
  } else {
    if (frame->checksum == ChecksumState::kPartial && !features_.transmit_checksum &&
        !complete_checksum(*frame)) {
      ++statistics_.dropped_malformed;
      return false;
    }
    put_header(frame);
  }
  std::array<Segment, kMostPieces> segments;
  unsigned count = 1;
  uint64_t bytes = frame->length;
  segments[0] = {frame->data_physical() - sizeof(NetHeader),
                 frame->length + static_cast<uint32_t>(sizeof(NetHeader))};
  for (const PacketBuffer* piece = frame->next; piece != nullptr; piece = piece->next) {
    if (count == kMostPieces || count == transmit_->size()) {
      ++statistics_.dropped_too_many_pieces;
      return false;
    }
    segments[count++] = {piece->data_physical(), piece->length};
    bytes += piece->length;
  }
  if (transmit_->free_descriptors() < count && !wait_for_room(count)) {
    ++statistics_.dropped_ring_full;
    return false;
  }
  if (!transmit_->add(std::span(segments).first(count), {}, frame)) return false;
  statistics_.bytes_sent += bytes;
  return true;
}

void NetQueuePair::transmit(std::span<PacketBuffer* const> frames) {
  unsigned unpublished = 0;
  for (PacketBuffer* const frame : frames) {
    if (!(is_usual(frame) ? add_usual_frame(frame) : add_any_frame(frame))) [[unlikely]] {
      pool_->release_chain(frame);
      continue;
    }
    ++statistics_.packets_sent;
    if (++unpublished == kPublishEvery) {
      publish_transmit();
      unpublished = 0;
    }
  }
  if (unpublished != 0) publish_transmit();
  // Late, so that whole cache lines of the used ring have been written when they are read.
  if (transmit_->in_flight() >= reclaim_at_) reclaim();
}

void NetQueuePair::transmit(PacketBuffer* frame) {
  // Here nothing is called that comes back: so no register need be saved.
  if (!is_usual(frame) || !add_usual_frame(frame)) [[unlikely]]
    return transmit({&frame, 1});
  ++statistics_.packets_sent;
  const bool notify = transmit_->publish();
  if (notify || transmit_->in_flight() >= reclaim_at_) [[unlikely]]
    finish_transmit(notify);
}

void NetQueuePair::finish_transmit(bool notify) {
  if (notify) {
    ++statistics_.notifications;
    transmit_doorbell_.ring();
  }
  if (transmit_->in_flight() >= reclaim_at_) reclaim();
}

void NetQueuePair::reclaim() {
  std::array<Completion, kBurst> completions;
  for (;;) {
    const size_t count = transmit_->take_used(completions);
    for (size_t i = 0; i < count; ++i) {
      for (auto* piece = static_cast<PacketBuffer*>(completions[i].token); piece != nullptr;) {
        PacketBuffer* const next = piece->next;
        pool_->release(piece);
        piece = next;
      }
    }
    if (count < completions.size()) return;
  }
}

bool NetQueuePair::recover_buffers() {
  publish_transmit();
  reclaim();
  while (pool_->in_use() == pool_->count()) {
    if (transmit_->in_flight() == 0 || transmit_->broken() != nullptr) return false;
    ++statistics_.transmit_waits;
    if (!poll_for_used(*transmit_, kFullRingPolls)) return false;
    reclaim();
  }
  return true;
}

bool NetQueuePair::arm_interrupt() {
  // At rest every buffer is where it belongs: the receive ring is full, what was sent is back.
  reclaim();
  if (receive_->in_flight() < receive_target_) refill();
  check_broken();
  if (!interrupts_available_) return false;
  if (receive_->arm_interrupt()) return true;
  receive_->disarm_interrupt();
  return false;
}

BufferCensus NetQueuePair::census() const {
  const size_t total = pool_->count();
  const size_t free = total - pool_->in_use();
  const size_t receive_ring = receive_->in_flight();
  // What frames refer to is not looked for: mostly a queue holds it as well.
  size_t transmit_ring = 0;
  transmit_->for_each_in_flight([&](void* token) {
    for (auto* piece = static_cast<PacketBuffer*>(token); piece != nullptr; piece = piece->next)
      transmit_ring += piece->source == pool_;
  });
  return {total, free, receive_ring, transmit_ring, total - free - receive_ring - transmit_ring};
}

void NetQueuePair::check_broken() {
  if (reported_broken_) return;
  const bool receive_broken = receive_->broken() != nullptr;
  if (!receive_broken && transmit_->broken() == nullptr) return;
  reported_broken_ = true;
  const SplitQueue& queue = receive_broken ? *receive_ : *transmit_;
  if (on_broken_ != nullptr)
    on_broken_(receive_broken ? "receive" : "transmit", queue.broken(), queue.broken_value());
}

}  // namespace plumbline::virtio
