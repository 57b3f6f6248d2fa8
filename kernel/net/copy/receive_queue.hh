// A stream's received bytes in a socket buffer: copied there as they arrive, and the frame goes
// back to the device at once.
#pragma once

#include "net/received_bytes.hh"

namespace plumbline::net::copy {

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
};

}  // namespace plumbline::net::copy
