// The driver's side of a split virtqueue (virtio 1.2, section 2.7).
//
// Everything that decides what memory is touched (which descriptors are free, which buffer belongs
// to an id, how long it is) is kept in private memory; the shared rings are only written, or read
// once and checked. A device that reports an id out of range, an id twice, or more bytes than a
// buffer holds makes the queue *broken*: it says why, and takes and gives nothing any more.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/assert.hh"
#include "drivers/virtio/barrier.hh"

namespace plumbline::virtio {

/// Shared structures, as in virtio 1.2, 2.7.5 to 2.7.8. All fields are little-endian.
struct Descriptor {
  uint64_t address;
  uint64_t length_flags_next;  // 32 bits length, 16 flags, 16 next: written as one store
};
static_assert(sizeof(Descriptor) == 16);

inline constexpr uint16_t kDescriptorNext = 1;
inline constexpr uint16_t kDescriptorWrite = 2;
/// In the available ring's flags: the driver wants no interrupts (without EVENT_IDX).
inline constexpr uint16_t kNoInterrupt = 1;
/// In the used ring's flags: the device wants no notifications (without EVENT_IDX).
inline constexpr uint16_t kNoNotify = 1;

/// Where the three parts of a queue lie in one block of memory.
struct SplitLayout {
  size_t available;  // offset of the available ring; descriptors are at 0
  size_t used;       // offset of the used ring
  size_t bytes;      // of the whole
};

/// Parts start on a cache line of their own (two, against adjacent-line prefetch): the driver
/// writes one ring and the device the other. The specification asks for alignments of 16, 2 and 4.
constexpr SplitLayout split_layout(uint16_t size) {
  constexpr size_t kApart = 128;
  const auto up = [](size_t n) { return (n + kApart - 1) & ~(kApart - 1); };
  const size_t available = up(size_t{16} * size);
  const size_t used = up(available + 6 + size_t{2} * size);
  return {available, used, up(used + 6 + size_t{8} * size)};
}

/// One piece of a buffer.
struct Segment {
  uint64_t physical;
  uint32_t length;
};

/// A buffer that the device is done with.
struct Completion {
  void* token;      // as given to add()
  uint32_t length;  // bytes the device wrote
};

class SplitQueue {
 public:
  static constexpr uint16_t kMaximumSize = 32768;

  SplitQueue() = default;
  SplitQueue(const SplitQueue&) = delete;
  SplitQueue& operator=(const SplitQueue&) = delete;

  /// Starts with an empty queue of `size` entries (a power of two) in `shared`: at least
  /// split_layout(size).bytes, zeroed, aligned to 128, outliving the queue.
  /// `event_index`: VIRTIO_F_EVENT_IDX was negotiated.
  void init(uint16_t size, std::byte* shared, bool event_index);

  /// Offers a buffer of one segment. False, and nothing done, when the ring is full or broken.
  /// `token` must not be nullptr. The device sees it at the next publish().
  bool add_readable(Segment segment, void* token) { return add_one(segment, 0, token); }
  bool add_writable(Segment segment, void* token) {
    return add_one(segment, kDescriptorWrite, token);
  }
  /// Offers up to `count` buffers of one segment each, as long as `next(segment, token)` gives them
  /// and there is room. How many.
  template <typename Next>
  unsigned add_writables(unsigned count, Next next);
  /// Offers a buffer of several segments, those the device reads first. False when there are not as
  /// many descriptors left, or broken.
  bool add(std::span<const Segment> readable, std::span<const Segment> writable, void* token);

  /// Lets the device see what was added. True: the device wants to be notified of it.
  [[nodiscard]] bool publish();

  /// Takes buffers that the device is done with, oldest first, as many as are there and fit.
  size_t take_used(std::span<Completion> out);
  /// True when take_used() would find something.
  bool has_used() const { return load_acquire(used_->index) != used_seen_ && !broken(); }

  /// Tells the device to interrupt at the next used buffer. True: nothing was used meanwhile, and
  /// the interrupt will come; false: there is something to take now.
  [[nodiscard]] bool arm_interrupt();
  /// Tells the device that no interrupt is wanted. With EVENT_IDX the wish is void after 32,768
  /// used buffers, so take_used() renews it.
  void disarm_interrupt();

  uint16_t size() const { return size_; }
  /// Descriptors that can still be added.
  uint16_t free_descriptors() const { return free_count_; }
  /// Buffers with the device, published or not.
  uint16_t in_flight() const { return in_flight_; }

  /// Why the queue stopped working, or nullptr.
  const char* broken() const { return broken_; }
  /// The value the device reported that broke the queue.
  uint32_t broken_value() const { return broken_value_; }

  /// After the device was reset: hands every buffer that it had to `release(token)` and leaves the
  /// queue unusable until init().
  template <typename Release>
  void abandon(Release release) {
    for (uint32_t id = 0; id < size_; ++id) {
      if (void* const token = slots_[id].token; token != nullptr) {
        slots_[id].token = nullptr;
        release(token);
      }
    }
    in_flight_ = 0;
    fail("abandoned after a reset of the device", 0);
  }

  /// Calls `look(token)` for every buffer with the device.
  template <typename Look>
  void for_each_in_flight(Look look) const {
    for (uint32_t id = 0; id < size_; ++id) {
      if (slots_[id].token != nullptr) look(slots_[id].token);
    }
  }

  /// Brings the place of the next `count` descriptors to be added into the cache, to be written.
  void prefetch_descriptors(unsigned count) const {
    // Ids come back in order from a device that works in order, so the next ones are neighbours.
    for (unsigned i = 0; i < count && i < free_count_; i += 4)
      prefetch_to_write(&descriptors_[free_[(free_head_ + i) & mask_]]);
  }

 private:
  struct UsedElement {
    uint32_t id;
    uint32_t length;
  };
  struct Available {
    uint16_t flags;
    uint16_t index;
    uint16_t ring[];  // size entries, then used_event
  };
  struct Used {
    uint16_t flags;
    uint16_t index;
    UsedElement ring[];  // size entries, then avail_event: avail_event_ points there
  };
  /// What is known of the buffer whose first descriptor has this id.
  struct Slot {
    void* token;        // nullptr: not with the device
    uint32_t writable;  // bytes the device may write
    uint16_t count;     // descriptors
    uint16_t next;      // id of the following descriptor of the chain
  };

  static uint16_t load_acquire(const uint16_t& from) {
    return std::atomic_ref<uint16_t>(const_cast<uint16_t&>(from)).load(std::memory_order_acquire);
  }
  uint16_t& used_event() { return available_->ring[size_]; }

  bool add_one(Segment segment, uint16_t flags, void* token);
  void write_descriptor(uint16_t id, Segment segment, uint16_t flags, uint16_t next);
  void make_available(uint16_t id);
  uint16_t take_id();
  void fail(const char* why, uint32_t value);

  // Touched at every packet.
  Descriptor* descriptors_ = nullptr;
  Available* available_ = nullptr;
  Used* used_ = nullptr;
  const uint16_t* avail_event_ = nullptr;
  std::unique_ptr<Slot[]> slots_;
  std::unique_ptr<uint16_t[]> free_;  // circular; first in, first out
  uint16_t mask_ = 0;
  uint16_t size_ = 0;
  uint16_t free_head_ = 0;
  uint16_t free_count_ = 0;
  uint16_t available_next_ = 0;  // the index that publish() will show
  uint16_t published_ = 0;       // the index that the device sees
  uint16_t used_seen_ = 0;
  uint16_t in_flight_ = 0;
  uint16_t used_event_ = 0;  // what the shared field holds
  bool event_index_ = false;
  bool armed_ = true;  // a fresh queue's interrupts are on (flags 0, used_event 0)
  const char* broken_ = nullptr;
  uint32_t broken_value_ = 0;
};

inline uint16_t SplitQueue::take_id() {
  const uint16_t id = free_[free_head_ & mask_];
  ++free_head_;
  --free_count_;
  return id;
}

inline void SplitQueue::write_descriptor(uint16_t id, Segment segment, uint16_t flags,
                                         uint16_t next) {
  const uint64_t word = segment.length | uint64_t{flags} << 32 | uint64_t{next} << 48;
  Descriptor& descriptor = descriptors_[id];
  store_once(descriptor.address, segment.physical);
  store_once(descriptor.length_flags_next, word);
}

inline void SplitQueue::make_available(uint16_t id) {
  // A device that works in order returns ids in order, and ids are reused in order: then the ring
  // holds the right id already. Not writing it leaves the line in the device's cache.
  uint16_t& place = available_->ring[available_next_ & mask_];
  if (load_once(place) != id) store_once(place, id);
  ++available_next_;
  ++in_flight_;
}

inline bool SplitQueue::add_one(Segment segment, uint16_t flags, void* token) {
  ASSERT(token != nullptr);
  if (free_count_ == 0 || broken_ != nullptr) [[unlikely]]
    return false;
  const uint16_t id = take_id();
  write_descriptor(id, segment, flags, 0);
  slots_[id] = {token, (flags & kDescriptorWrite) != 0 ? segment.length : 0, 1, 0};
  make_available(id);
  return true;
}

template <typename Next>
inline unsigned SplitQueue::add_writables(unsigned count, Next next) {
  if (broken_ != nullptr) [[unlikely]]
    return 0;
  count = std::min<unsigned>(count, free_count_);
  // In registers during the loop: the compiler must take any store of 16 bits for one to a member.
  const uint32_t mask = mask_;
  const uint32_t head = free_head_, available = available_next_;
  const uint16_t* const free = free_.get();
  uint16_t* const ring = available_->ring;
  Slot* const slots = slots_.get();
  Descriptor* const descriptors = descriptors_;
  unsigned added = 0;
  for (; added < count; ++added) {
    Segment segment;
    void* token;
    if (!next(segment, token)) [[unlikely]]
      break;
    const uint16_t id = free[(head + added) & mask];
    store_once(descriptors[id].address, segment.physical);
    store_once(descriptors[id].length_flags_next,
               segment.length | uint64_t{kDescriptorWrite} << 32);
    slots[id] = {token, segment.length, 1, 0};
    // As make_available() does it.
    uint16_t& place = ring[(available + added) & mask];
    if (load_once(place) != id) store_once(place, id);
  }
  free_head_ = static_cast<uint16_t>(head + added);
  free_count_ = static_cast<uint16_t>(free_count_ - added);
  available_next_ = static_cast<uint16_t>(available + added);
  in_flight_ = static_cast<uint16_t>(in_flight_ + added);
  return added;
}

inline bool SplitQueue::publish() {
  const uint16_t before = published_;
  const uint16_t now = available_next_;
  if (before == now || broken_ != nullptr) return false;
  // Release: descriptors and ring entries are visible before the index that covers them.
  std::atomic_ref<uint16_t>(available_->index).store(now, std::memory_order_release);
  published_ = now;
  // The device writes its wish for a notification and then looks at the index; we write the index
  // and then look at its wish. Without the fence both could miss the other's store.
  full_fence();
  if (event_index_) {
    // virtio 1.2, 2.7.10: notify if the event index lies in what was just published.
    const uint16_t event = load_once(*avail_event_);
    return static_cast<uint16_t>(now - event - 1) < static_cast<uint16_t>(now - before);
  }
  return (load_once(used_->flags) & kNoNotify) == 0;
}

}  // namespace plumbline::virtio
