#include "drivers/virtio/split_queue.hh"

#include <bit>

namespace plumbline::virtio {

void SplitQueue::init(uint16_t size, std::byte* shared, bool event_index) {
  ASSERT(size != 0 && std::has_single_bit(size) && size <= kMaximumSize);
  ASSERT(reinterpret_cast<uintptr_t>(shared) % 128 == 0);
  const SplitLayout layout = split_layout(size);
  descriptors_ = reinterpret_cast<Descriptor*>(shared);
  available_ = reinterpret_cast<Available*>(shared + layout.available);
  used_ = reinterpret_cast<Used*>(shared + layout.used);
  avail_event_ =
      reinterpret_cast<const uint16_t*>(shared + layout.used + 4 + sizeof(UsedElement) * size);
  slots_.reset(new Slot[size]);
  free_.reset(new uint16_t[size]);
  for (uint32_t id = 0; id < size; ++id) {
    slots_[id] = {};
    free_[id] = static_cast<uint16_t>(id);
  }
  size_ = size;
  mask_ = static_cast<uint16_t>(size - 1);
  free_head_ = 0;
  free_count_ = size;
  available_next_ = published_ = used_seen_ = in_flight_ = used_event_ = 0;
  event_index_ = event_index;
  armed_ = true;
  broken_ = nullptr;
  broken_value_ = 0;
}

void SplitQueue::fail(const char* why, uint32_t value) {
  if (broken_ != nullptr) return;  // the first reason is the interesting one
  broken_ = why;
  broken_value_ = value;
}

bool SplitQueue::add(std::span<const Segment> readable, std::span<const Segment> writable,
                     void* token) {
  ASSERT(token != nullptr);
  const size_t count = readable.size() + writable.size();
  ASSERT(count != 0);
  if (count > free_count_ || broken_ != nullptr) return false;
  const uint16_t head = take_id();
  uint16_t id = head;
  uint64_t bytes_writable = 0;
  for (size_t i = 0; i < count; ++i) {
    const bool is_writable = i >= readable.size();
    const Segment segment = is_writable ? writable[i - readable.size()] : readable[i];
    if (is_writable) bytes_writable += segment.length;
    const bool last = i + 1 == count;
    const uint16_t next = last ? uint16_t{0} : take_id();
    const uint16_t flags =
        static_cast<uint16_t>((is_writable ? kDescriptorWrite : 0) | (last ? 0 : kDescriptorNext));
    write_descriptor(id, segment, flags, next);
    slots_[id].token = nullptr;
    slots_[id].next = next;
    id = next;
  }
  slots_[head].token = token;
  slots_[head].writable =
      static_cast<uint32_t>(bytes_writable > UINT32_MAX ? UINT32_MAX : bytes_writable);
  slots_[head].count = static_cast<uint16_t>(count);
  make_available(head);
  return true;
}

size_t SplitQueue::take_used(std::span<Completion> out) {
  if (broken_ != nullptr) [[unlikely]]
    return 0;
  // Acquire: the elements and the buffers' bytes are read after the index that covers them.
  const uint16_t pending = static_cast<uint16_t>(load_acquire(used_->index) - used_seen_);
  if (pending == 0) return 0;
  const uint16_t with_device =
      static_cast<uint16_t>(in_flight_ - static_cast<uint16_t>(available_next_ - published_));
  if (pending > with_device) [[unlikely]] {
    fail("the used index is ahead of the buffers offered", pending);
    return 0;
  }
  const size_t wanted = out.size() < pending ? out.size() : pending;
  // In registers during the loop: the compiler must take any store of 16 bits for one to a member.
  // Of 32 bits, whose upper half the mask cuts off, so that each step need not.
  uint32_t used_seen = used_seen_;
  uint32_t free_tail = uint32_t{free_head_} + free_count_;
  const uint32_t free_before = free_tail;
  const uint32_t mask = mask_;
  Slot* const slots = slots_.get();
  uint16_t* const free = free_.get();
  size_t taken = 0;
  const char* why = nullptr;
  uint32_t value = 0;
  for (; taken < wanted; ++taken) {
    // Read once: the device may change it while we look.
    const UsedElement& element = used_->ring[used_seen & mask];
    const uint32_t used_id = load_once(element.id);
    uint32_t length = load_once(element.length);
    if (used_id > mask) [[unlikely]] {
      why = "a used id is out of range";
      value = used_id;
      break;
    }
    Slot& slot = slots[used_id];
    if (slot.token == nullptr) [[unlikely]] {
      why = "a used id was not offered, or is used twice";
      value = used_id;
      break;
    }
    // Devices differ in what they report for a buffer they only read; it means nothing.
    if (length > slot.writable) {
      if (slot.writable != 0) [[unlikely]] {
        why = "a used length is larger than the buffer";
        value = length;
        break;
      }
      length = 0;
    }
    out[taken] = {slot.token, length};
    slot.token = nullptr;
    auto id = static_cast<uint16_t>(used_id);
    free[free_tail++ & mask] = id;
    for (uint16_t left = slot.count; left != 1; --left) [[unlikely]] {
        id = slots[id].next;
        free[free_tail++ & mask] = id;
      }
    ++used_seen;
  }
  used_seen_ = static_cast<uint16_t>(used_seen);
  free_count_ = static_cast<uint16_t>(free_count_ + (free_tail - free_before));
  in_flight_ = static_cast<uint16_t>(in_flight_ - taken);
  if (why != nullptr) [[unlikely]] {
    fail(why, value);
    return taken;
  }
  // Far ahead while polling, so that it seldom comes near and the line seldom moves.
  if (event_index_ && !armed_ && static_cast<uint16_t>(used_event_ - used_seen_) < kMaximumSize / 2)
      [[unlikely]]
    disarm_interrupt();
  return wanted;
}

bool SplitQueue::arm_interrupt() {
  if (broken_ != nullptr) return true;
  armed_ = true;
  if (event_index_) {
    used_event_ = used_seen_;
    store_once(used_event(), used_event_);
  } else {
    store_once(available_->flags, uint16_t{0});
  }
  // Our wish before our look at the index; the device: its index before its look at our wish.
  full_fence();
  return load_acquire(used_->index) == used_seen_;
}

void SplitQueue::disarm_interrupt() {
  armed_ = false;
  if (event_index_) {
    // As far ahead of the used index as 16 bits allow: the largest queue can not reach it at once.
    used_event_ = static_cast<uint16_t>(used_seen_ + kMaximumSize);
    store_once(used_event(), used_event_);
  } else {
    store_once(available_->flags, kNoInterrupt);
  }
}

}  // namespace plumbline::virtio
