#include "net/frame_channel.hh"

#include <cstring>

namespace plumbline::net {

FrameChannel::~FrameChannel() {
  collect();
  ASSERT(out_ == 0);
}

void FrameChannel::send(PacketBuffer* frame) {
  take_back();
  uint32_t buffers = 0;
  bool ours = true;
  for (const PacketBuffer* part = frame; part != nullptr; part = part->next) {
    ++buffers;
    ours = ours && part->source == &back_.pool && part->references == 1;
  }
  if (!ours || out_ + buffers > kEntries) {
    ++statistics_.dropped;
    back_.pool.release_chain(frame);
    return;
  }
  for (PacketBuffer* part = frame; part != nullptr; part = part->next) part->source = &back_;
  out_ += buffers;
  const uint32_t at = sent_.load(std::memory_order_relaxed);
  frames_[at % kEntries] = frame;
  ++statistics_.sent;
  // Release: the frame's bytes and its descriptor come with it.
  sent_.store(at + 1, std::memory_order_release);
}

void FrameChannel::collect() {
  // Acquire: what the receiver did with the buffers is over.
  const uint32_t until = back_.returned.load(std::memory_order_acquire);
  for (; collected_ != until; ++collected_) {
    PacketBuffer* const buffer = back_.buffers[collected_ % kEntries];
    buffer->source = &back_.pool;
    buffer->references = 1;
    back_.pool.release(buffer);
    --out_;
  }
}

// There are never more out than the ring has entries.
void FrameChannel::Back::give_back(BufferSource& source, PacketBuffer* buffer) {
  auto& back = static_cast<Back&>(source);
  const uint32_t at = back.returned.load(std::memory_order_relaxed);
  back.buffers[at % kEntries] = buffer;
  back.returned.store(at + 1, std::memory_order_release);
}

size_t FrameChannel::receive(std::span<PacketBuffer*> frames, BufferPool& own) {
  uint32_t at = received_.load(std::memory_order_relaxed);
  const uint32_t until = sent_.load(std::memory_order_acquire);
  size_t count = 0;
  for (; at != until && count < frames.size(); ++at) {
    PacketBuffer* frame = frames_[at % kEntries];
    for (const PacketBuffer* part = frame; part != nullptr; part = part->next) ++taken_;
    const uint32_t waiting = taken_ - back_.returned.load(std::memory_order_relaxed);
    if (waiting > kEntries / 2) [[unlikely]] {
      PacketBuffer* const copied = copy(frame, own);
      release_chain(frame);
      ++copied_;
      if (copied == nullptr) continue;
      frame = copied;
    }
    frames[count++] = frame;
  }
  // Release: the entries may be written again.
  received_.store(at, std::memory_order_release);
  return count;
}

PacketBuffer* FrameChannel::copy(const PacketBuffer* frame, BufferPool& to) {
  PacketBuffer* first = nullptr;
  PacketBuffer* last = nullptr;
  for (; frame != nullptr; frame = frame->next) {
    PacketBuffer* const made = to.allocate();
    if (made == nullptr) {
      release_chain(first);
      return nullptr;
    }
    // Buffers behind the first are used from their start.
    if (last != nullptr) made->data = made->memory;
    std::memcpy(made->data, frame->data, frame->length);
    made->length = frame->length;
    made->checksum = frame->checksum;
    made->segment_size = frame->segment_size;
    (last == nullptr ? first : last->next) = made;
    last = made;
  }
  return first;
}

}  // namespace plumbline::net
