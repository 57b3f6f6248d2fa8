#include "net/copy/send_queue.hh"

#include <algorithm>
#include <cstring>

namespace plumbline::net::copy {

PacketBuffer* SendQueue::allocate(uint32_t bytes) {
  // Small writes that come together in a queue are a stream: half of what it has is not waste.
  return queue_memory().allocate_piece(std::max(bytes, size() / 2));
}

PacketBuffer* SendQueue::make_frame(uint32_t headers, uint32_t offset, uint32_t length) {
  ASSERT(offset + length <= size());
  PacketBuffer* const frame = queue_memory().allocate_header(headers);
  if (frame == nullptr || length == 0) return frame;
  PacketBuffer* to = frame;
  Place from = find(offset);
  auto room = static_cast<uint32_t>(to->tailroom());
  while (length != 0) {
    if (room == 0) {
      // A frame that the device will cut: few large pieces are less work for both sides than many
      // small ones.
      PacketBuffer* const piece = queue_memory().allocate_piece(length + PacketBuffer::kHeadroom);
      if (piece == nullptr) {
        release_chain(frame);
        return nullptr;
      }
      to->next = piece;
      to = piece;
      room = static_cast<uint32_t>(to->tailroom());
    }
    const uint32_t part = std::min({length, room, from.piece->queued - from.offset});
    std::memcpy(to->data + to->length, payload(from.piece) + from.offset, part);
    queue_memory().count(CopyWay::kToDevice, part);
    to->length += part;
    room -= part;
    length -= part;
    from.offset += part;
    if (from.offset == from.piece->queued) from = {next_piece(from.piece), 0};
  }
  return frame;
}

}  // namespace plumbline::net::copy
