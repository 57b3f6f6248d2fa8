// A stream's bytes to be sent, put once into memory that the device reads: sending and sending
// again copies nothing.
#pragma once

#include "net/queued_bytes.hh"

namespace plumbline::net::zerocopy {

// A small message is written behind room for its headers into a packet buffer, and that buffer is
// its frame. Larger ones go into pieces of pages; their frames are a buffer with headers and
// descriptors that refer to the pieces, or also the piece itself.
class SendQueue : public QueuedBytes<SendQueue> {
 public:
  using QueuedBytes::QueuedBytes;

  // A frame with `headers` bytes to be written at `data` and then bytes [offset, offset + length)
  // of the queue, to be transmitted whatever becomes of the queue. At most 128 - 12 bytes of
  // headers. The caller sets checksum and segment_size. nullptr: no buffer now.
  PacketBuffer* make_frame(uint32_t headers, uint32_t offset, uint32_t length);

 private:
  friend class QueuedBytes<SendQueue>;

  // Room for the virtio-net header and 116 bytes of others: Ethernet 14, IPv6 40, TCP 60.
  static constexpr uint32_t kRoom = 128;
  // Payload up to this is copied behind the headers when it can not be sent from where it is: a
  // second descriptor costs both sides more than the copy.
  static constexpr uint32_t kCopyBreak = 256;
  // Most bytes of somebody's buffer in one piece: sizes of pieces are of 16 bits.
  static constexpr uint32_t kMostLent = 65535 - kRoom;
  // Most parts of a frame that are referred to; a frame of more is put together in one piece.
  static constexpr unsigned kMostParts = 16;

  bool may_append(const PacketBuffer* tail) const;
  PacketBuffer* allocate(uint32_t bytes);
  PacketBuffer* describe(PacketBuffer* of, std::byte* data, uint32_t length);
  static void mark_sent(PacketBuffer* piece) {
    if (piece->role == BufferRole::kUnsent) piece->role = BufferRole::kSent;
  }
  uint32_t copy_behind(PacketBuffer* to, uint32_t offset, uint32_t length);
  bool chain_parts(PacketBuffer* header, uint32_t offset, uint32_t length);
  bool chain_copy(PacketBuffer* header, uint32_t offset, uint32_t length);
};

}  // namespace plumbline::net::zerocopy
