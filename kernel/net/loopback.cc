#include "net/loopback.hh"

#include <algorithm>
#include <cstring>

#include "net/frame_bytes.hh"

namespace plumbline::net {

namespace {

// In front of a waiting frame's data.
struct Waiting {
  tcp::FlowKey key;  // as the receiver sees it
  PacketBuffer* next;
  uint32_t length;
};
static_assert(sizeof(Waiting) <= Loopback::kHeaderRoom);

std::byte* place_of(PacketBuffer* frame) { return frame->data - sizeof(Waiting); }

Waiting load(PacketBuffer* frame) {
  Waiting waiting;
  std::memcpy(&waiting, place_of(frame), sizeof waiting);
  return waiting;
}

// A sender that keeps the bytes to repeat them also keeps what the descriptor says of them, which a
// receiver changes.
bool is_kept(const PacketBuffer* frame) {
  for (; frame != nullptr; frame = frame->next) {
    if (frame->references != 1 || frame->role != BufferRole::kFrame || frame->link != nullptr)
      return true;
  }
  return false;
}

}  // namespace

Loopback::~Loopback() {
  while (first_ != nullptr) {
    PacketBuffer* const frame = first_;
    first_ = load(frame).next;
    release_chain(frame);
  }
}

// The same bytes in buffers of their own; the frame is given back. nullptr: no memory.
PacketBuffer* Loopback::copy(PacketBuffer* frame) {
  const uint32_t length = frame_length(frame);
  PacketBuffer* made = nullptr;
  if (length + kHeaderRoom + PacketBuffer::kHeadroom <= BufferPool::kCapacity)
    made = memory_.allocate_small();
  if (made == nullptr) made = memory_.allocate_piece(kHeaderRoom + length);
  PacketBuffer* last = made;
  uint32_t room = 0;
  if (made != nullptr) {
    made->data += kHeaderRoom;
    made->length = 0;
  }
  for (const PacketBuffer* from = frame; from != nullptr && last != nullptr; from = from->next) {
    for (uint32_t done = 0; done < from->length;) {
      room = static_cast<uint32_t>(last->tailroom());
      if (room == 0) {
        PacketBuffer* const next = memory_.allocate_piece(length);
        if (next == nullptr) {
          last = nullptr;
          break;
        }
        next->length = 0;
        last->next = next;
        last = next;
        continue;
      }
      const uint32_t part = std::min(room, from->length - done);
      std::memcpy(last->data + last->length, from->data + done, part);
      last->length += part;
      done += part;
    }
  }
  release_chain(frame);
  if (last == nullptr && made != nullptr) {
    release_chain(made);
    return nullptr;
  }
  return made;
}

bool Loopback::send(PacketBuffer* frame, const tcp::FlowKey& key,
                    const tcp::SegmentToSend& segment) {
  if (is_kept(frame)) {
    frame = copy(frame);
    if (frame == nullptr) return false;
  }
  // Nothing on this way damages a byte.
  frame->checksum = ChecksumState::kValid;
  Waiting waiting{{key.remote, key.local, key.remote_port, key.local_port, key.zone},
                  nullptr,
                  segment.header + segment.payload};
  std::memcpy(place_of(frame), &waiting, sizeof waiting);
  if (last_ == nullptr) {
    first_ = frame;
  } else {
    Waiting before = load(last_);
    before.next = frame;
    std::memcpy(place_of(last_), &before, sizeof before);
  }
  last_ = frame;
  return true;
}

bool Loopback::deliver(tcp::Stack& stack, Nanoseconds now, unsigned most) {
  while (first_ != nullptr) {
    // As many as wait now: what they cause to be sent comes after the flush, in as large pieces as
    // it can.
    for (PacketBuffer* const end = last_; first_ != nullptr;) {
      if (most-- == 0) return true;
      PacketBuffer* const frame = first_;
      const Waiting waiting = load(frame);
      first_ = waiting.next;
      if (first_ == nullptr) last_ = nullptr;
      stack.receive(frame, 0, waiting.length, waiting.key, false, now);
      if (frame == end) break;
    }
    stack.flush(now);
  }
  return false;
}

}  // namespace plumbline::net
