// A stream's bytes to be sent in a socket buffer: they are copied into device buffers each time
// they are sent.
#pragma once

#include "net/queued_bytes.hh"

namespace plumbline::net::copy {

class SendQueue : public QueuedBytes<SendQueue> {
 public:
  using QueuedBytes::QueuedBytes;

  // A frame with `headers` bytes to be written at `data` and behind them a copy of bytes [offset,
  // offset + length) of the queue. At most 128 - 12 bytes of headers. The caller sets checksum and
  // segment_size. nullptr: no buffer now.
  PacketBuffer* make_frame(uint32_t headers, uint32_t offset, uint32_t length);

 private:
  friend class QueuedBytes<SendQueue>;

  static constexpr uint32_t kRoom = 0;

  bool may_append(const PacketBuffer*) const { return true; }
  PacketBuffer* allocate(uint32_t bytes);
  // All that is sent is copied.
  static PacketBuffer* describe(PacketBuffer*, std::byte*, uint32_t) { return nullptr; }
};

}  // namespace plumbline::net::copy
