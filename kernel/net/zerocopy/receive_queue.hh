// A stream's received bytes in the device's own buffers, until their reader takes them.
#pragma once

#include "net/received_bytes.hh"

namespace plumbline::net::zerocopy {

// The device needs its buffers back in the end. When few are free, what slow readers have left
// lying is copied into pieces of pages, and what arrives is copied as it comes until that has
// helped: no reader can stop the receive ring. The same happens to a queue whose buffers are
// nearly empty (tiny segments tie up a whole buffer each).
class ReceiveQueue : public ReceivedBytes {
 public:
  explicit ReceiveQueue(QueueMemory& memory) : ReceivedBytes(memory) {}

  // Payload that was expected next: `length` bytes, `offset` bytes behind the frame's first.
  // Takes the frame over. Returns bytes that are newly in order: more than given when a gap closed,
  // fewer (0) when there was no memory for the rest.
  uint32_t append(PacketBuffer* frame, uint32_t offset, uint32_t length);
  // Payload `gap` bytes beyond the expected next, gap > 0. Takes the frame over. False: not kept,
  // no memory. `duplicate`, unless nullptr, gets the first part that was there already (RFC 2883),
  // or an empty range.
  bool insert(uint32_t gap, PacketBuffer* frame, uint32_t offset, uint32_t length,
              OffsetRange* duplicate = nullptr);

 private:
  // Memory beyond this is worth a look at how much of it is payload.
  static constexpr uint32_t kWasteful = 64 * 1024;

  bool should_copy();
  uint32_t hold(PieceList& list, PacketBuffer* frame, uint32_t offset, uint32_t length);
  size_t compact(PieceList& list);
  size_t compact();
  void compact_if_wasteful();
  static void rescue_buffers(QueueMemory& memory);
};

}  // namespace plumbline::net::zerocopy
