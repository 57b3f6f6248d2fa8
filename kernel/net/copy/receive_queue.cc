#include "net/copy/receive_queue.hh"

namespace plumbline::net::copy {

uint32_t ReceiveQueue::append(PacketBuffer* frame, uint32_t offset, uint32_t length) {
  return append_copy(frame, offset, length);
}

bool ReceiveQueue::insert(uint32_t gap, PacketBuffer* frame, uint32_t offset, uint32_t length,
                          OffsetRange* duplicate) {
  const bool kept = keep_out_of_order(
      {gap, gap + length}, duplicate,
      [&](PieceList* previous, OffsetRange range, PieceList& fresh) {
        return copy_to(previous != nullptr ? *previous : fresh, frame, offset + (range.begin - gap),
                       range.end - range.begin, CopyWay::kFromDevice);
      });
  release_chain(frame);
  return kept;
}

}  // namespace plumbline::net::copy
