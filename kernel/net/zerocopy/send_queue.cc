#include "net/zerocopy/send_queue.hh"

#include <algorithm>
#include <cstring>

namespace plumbline::net::zerocopy {

bool SendQueue::may_append(const PacketBuffer* tail) const {
  if (tail->role == BufferRole::kLent) return false;
  // Not sent yet, it makes the frame longer that the piece will be.
  if (tail->role == BufferRole::kUnsent) return true;
  // Behind bytes that were sent there is no room for headers: a frame of its own needs a second
  // descriptor, which is nothing for a large piece. Beside a small one a new one is better, until
  // their memory is mostly waste.
  return tail->capacity > BufferPool::kCapacity || memory() > 4 * size() + 16 * BufferPool::kStride;
}

PacketBuffer* SendQueue::allocate(uint32_t bytes) {
  if (bytes <= PacketBuffer::kHeadroom + BufferPool::kCapacity - kRoom) {
    if (PacketBuffer* const small = queue_memory().allocate_small(); small != nullptr) return small;
  }
  return queue_memory().allocate_piece(bytes + kRoom);
}

PacketBuffer* SendQueue::describe(PacketBuffer* of, std::byte* data, uint32_t length) {
  if (length <= kCopyBreak || length > kMostLent) return nullptr;
  QueueMemory& memory = queue_memory();
  // The receive ring needs its buffers more than this saves.
  if (of->source == &memory.pool() && memory.short_of_buffers()) [[unlikely]]
    return nullptr;
  return memory.describe(of, data, length, kRoom);
}

PacketBuffer* SendQueue::make_frame(uint32_t headers, uint32_t offset, uint32_t length) {
  ASSERT(headers <= kRoom - PacketBuffer::kHeadroom && offset + length <= size());
  if (length == 0) return queue_memory().allocate_header(headers);
  const Place place = find(offset);
  PacketBuffer* const piece = place.piece;
  if (place.offset == 0 && length <= piece->queued && piece->references == 1 &&
      piece->role != BufferRole::kLent) {
    // Nobody but this queue has it: the room for headers is not being sent.
    (void)piece->share();
    piece->role = BufferRole::kSent;
    piece->data = payload(piece) - headers;
    piece->length = headers + length;
    piece->next = nullptr;
    piece->checksum = ChecksumState::kUnknown;
    return piece;
  }
  PacketBuffer* const header = queue_memory().allocate_header(headers);
  if (header == nullptr) return nullptr;
  if (length <= kCopyBreak) {
    copy_behind(header, offset, length);
    return header;
  }
  if (!chain_parts(header, offset, length)) {
    release_chain(header->next);
    header->next = nullptr;
    if (!chain_copy(header, offset, length)) {
      release_chain(header);
      return nullptr;
    }
  }
  return header;
}

// Appends bytes of the queue to `to`, as many as it has room for; how many.
uint32_t SendQueue::copy_behind(PacketBuffer* to, uint32_t offset, uint32_t length) {
  length = std::min(length, static_cast<uint32_t>(to->tailroom()));
  Place place = find(offset);
  for (uint32_t left = length; left != 0;) {
    const uint32_t part = std::min(left, place.piece->queued - place.offset);
    std::memcpy(to->data + to->length, payload(place.piece) + place.offset, part);
    mark_sent(place.piece);
    to->length += part;
    left -= part;
    place = {next_piece(place.piece), 0};
  }
  queue_memory().count(CopyWay::kToDevice, length);
  return length;
}

// Chains references to the bytes behind the header. False, with some of them chained, when there
// are too many parts or there is no memory for one.
bool SendQueue::chain_parts(PacketBuffer* header, uint32_t offset, uint32_t length) {
  PacketBuffer* last = header;
  Place place = find(offset);
  for (unsigned parts = 0; length != 0; ++parts) {
    if (parts == kMostParts) return false;
    const uint32_t part = std::min(length, place.piece->queued - place.offset);
    PacketBuffer* const reference =
        queue_memory().refer(place.piece, payload(place.piece) + place.offset, part);
    if (reference == nullptr) return false;
    mark_sent(place.piece);
    last->next = reference;
    last = reference;
    length -= part;
    place = {next_piece(place.piece), 0};
  }
  return true;
}

// The same by a copy in as few pieces as can be had. False when there is no memory.
bool SendQueue::chain_copy(PacketBuffer* header, uint32_t offset, uint32_t length) {
  PacketBuffer* last = header;
  for (;;) {
    const uint32_t part = copy_behind(last, offset, length);
    offset += part;
    length -= part;
    if (length == 0) return true;
    PacketBuffer* const piece = queue_memory().allocate_piece(length + PacketBuffer::kHeadroom);
    if (piece == nullptr) return false;
    last->next = piece;
    last = piece;
  }
}

}  // namespace plumbline::net::zerocopy
