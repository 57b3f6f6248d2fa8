#include "net/zerocopy/receive_queue.hh"

#include <algorithm>

namespace plumbline::net::zerocopy {

namespace {

// Device buffers that one look for idle ones frees at most, so that it takes no more than about
// 30 us, and how many it looks at: there may be none, and then each frame that comes looks again.
constexpr size_t kRescuedAtOnce = 64;
constexpr size_t kLookedAtOnce = 256;

}  // namespace

inline bool ReceiveQueue::should_copy() {
  QueueMemory& memory = queue_memory();
  if (!memory.short_of_buffers()) [[likely]]
    return false;
  rescue_buffers(memory);
  return memory.short_of_buffers();
}

// Puts the frame's buffers with just the bytes wanted behind `list`; what is left over goes back.
// How many bytes that are: fewer only when there is no memory to refer to a buffer that is shared.
uint32_t ReceiveQueue::hold(PieceList& list, PacketBuffer* frame, uint32_t offset,
                            uint32_t length) {
  uint32_t left = length;
  while (frame != nullptr) {
    PacketBuffer* piece = frame;
    frame = piece->next;
    if (offset >= piece->length || left == 0) {
      offset -= std::min(offset, piece->length);
      release(piece);
      continue;
    }
    const uint32_t part = std::min(piece->length - offset, left);
    std::byte* const data = piece->data + offset;
    offset = 0;
    if (piece->references != 1 || piece->role != BufferRole::kFrame) [[unlikely]] {
      // It came from this host, and its sender still has it.
      PacketBuffer* const reference = queue_memory().refer(piece, data, part);
      release(piece);
      if (reference == nullptr) {
        release_chain(frame);
        return length - left;
      }
      piece = reference;
    } else {
      piece->data = data;
      piece->length = part;
      if (!queue_memory().is_reference(piece)) {
        piece->role = BufferRole::kReceived;
        piece->link = this;
      }
    }
    left -= part;
    add_footprint(piece);
    list.push_back(piece);
  }
  return length - left;
}

uint32_t ReceiveQueue::append(PacketBuffer* frame, uint32_t offset, uint32_t length) {
  if (should_copy()) [[unlikely]]
    return append_copy(frame, offset, length);
  // Mostly one buffer that came from the device.
  const bool usual = frame->next == nullptr && frame->source == &queue_memory().pool() &&
                     frame->references == 1 && frame->role == BufferRole::kFrame && length != 0 &&
                     uint64_t{offset} + length <= frame->length;
  if (usual) [[likely]] {
    frame->data += offset;
    frame->length = length;
    frame->role = BufferRole::kReceived;
    frame->link = this;
    add_footprint(frame);
    in_order_.push_back(frame);
  }
  const uint32_t added = advance(usual ? length : hold(in_order_, frame, offset, length));
  if (memory() > kWasteful) [[unlikely]]
    compact_if_wasteful();
  return added;
}

bool ReceiveQueue::insert(uint32_t gap, PacketBuffer* frame, uint32_t offset, uint32_t length,
                          OffsetRange* duplicate) {
  const bool copy = should_copy();
  PacketBuffer* left = frame;
  const bool kept =
      keep_out_of_order({gap, gap + length}, duplicate,
                        [&](PieceList* previous, OffsetRange range, PieceList& fresh) -> uint32_t {
                          const uint32_t from = offset + (range.begin - gap);
                          const uint32_t wanted = range.end - range.begin;
                          if (copy)
                            return copy_to(previous != nullptr ? *previous : fresh, frame, from,
                                           wanted, CopyWay::kFromDevice);
                          left = nullptr;
                          return hold(fresh, frame, from, wanted);
                        });
  release_chain(left);
  if (memory() > kWasteful) [[unlikely]]
    compact_if_wasteful();
  return kept;
}

// Empties device buffers of the list into pieces, in place; how many.
size_t ReceiveQueue::compact(PieceList& list) {
  PieceList made;
  size_t freed = 0;
  while (!list.empty()) {
    PacketBuffer* const piece = list.pop_front();
    if (queue_memory().is_piece(piece)) {
      made.push_back(piece);
      continue;
    }
    const uint32_t copied = copy_to(made, piece, 0, piece->length, CopyWay::kToMakeRoom);
    if (copied == piece->length) {
      forget(piece);
      ++freed;
      continue;
    }
    // No memory: the rest stays where it is.
    piece->data += copied;
    piece->length -= copied;
    made.push_back(piece);
    made.append(list);
    list = {};
  }
  list = made;
  return freed;
}

size_t ReceiveQueue::compact() {
  size_t freed = compact(in_order_);
  if (has_out_of_order()) {
    for (size_t i = 0; i < reassembly()->count(); ++i) freed += compact(reassembly()->pieces(i));
  }
  return freed;
}

void ReceiveQueue::compact_if_wasteful() {
  const uint32_t held = readable() + (has_out_of_order() ? reassembly()->bytes() : 0);
  if (memory() / 4 < held) return;
  queue_memory().count_rescued(compact());
}

// Looks for device buffers in receive queues, and empties those queues.
void ReceiveQueue::rescue_buffers(QueueMemory& memory) {
  const std::span<PacketBuffer> all = memory.pool().buffers();
  size_t freed = 0;
  for (size_t left = std::min(all.size(), kLookedAtOnce); left != 0 && freed < kRescuedAtOnce;
       --left) {
    if (memory.rescue_position >= all.size()) memory.rescue_position = 0;
    const PacketBuffer& buffer = all[memory.rescue_position++];
    if (buffer.references == 0 || buffer.role != BufferRole::kReceived) continue;
    const size_t of_one = static_cast<ReceiveQueue*>(buffer.link)->compact();
    if (of_one == 0) break;  // there is no memory to empty it into
    freed += of_one;
  }
  memory.count_rescued(freed);
}

}  // namespace plumbline::net::zerocopy
