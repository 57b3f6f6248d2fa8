// A frame's bytes, however many buffers they lie in.
#pragma once

#include <cstdint>
#include <optional>

#include "net/packet_buffer.hh"

namespace plumbline::net {

// Bytes of a frame, all its buffers together.
inline uint32_t frame_length(const PacketBuffer* frame) {
  uint32_t length = 0;
  for (; frame != nullptr; frame = frame->next) length += frame->length;
  return length;
}

// Adds `length` bytes from `offset` in the first buffer on to a running sum, as sum_bytes() does.
// Nothing when the frame ends before.
std::optional<uint64_t> sum_frame(const PacketBuffer& frame, uint32_t offset, uint32_t length,
                                  uint64_t sum);

}  // namespace plumbline::net
