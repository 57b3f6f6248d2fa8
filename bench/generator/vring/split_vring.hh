// A split virtqueue (virtio 1.2, 2.7) from the device's side: what is common to the rings of both
// directions. All that stands in the rings is the guest's word: every index, address and length is
// read once and checked before it is used.
#pragma once

// Without the legacy layout's functions, which are C only.
#define VIRTIO_RING_NO_LEGACY
#include <linux/virtio_ring.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "vring/guest_memory.hh"

namespace plumbline::generator {

// Where the next entries are: kept when a ring is taken away for a while.
struct RingPosition {
  uint16_t available = 0;
  uint16_t used = 0;
};

// virtio_net_hdr (virtio 1.2, 5.1.6): with num_buffers, and without as legacy devices had it.
inline constexpr uint16_t kLongHeader = 12;
inline constexpr uint16_t kLegacyHeader = 10;

// The most frames that are looked at, handed out or written at a time.
inline constexpr uint16_t kRingBurst = 64;

struct RingArea {
  vring_desc* descriptors = nullptr;
  vring_avail* available = nullptr;
  vring_used* used = nullptr;
  uint16_t size = 0;  // a power of two
  RingPosition position;
  int call_file = -1;        // eventfd that interrupts the guest; -1: none
  bool event_index = false;  // VIRTIO_F_EVENT_IDX
  uint16_t header_bytes = kLongHeader;
  // What the guest agreed to receive (virtio 1.2, 5.1.3): a frame in several buffers (MRG_RXBUF),
  // checksums left to it (GUEST_CSUM), several segments of TCP over IPv4 as one (GUEST_TSO4).
  bool mergeable = false;
  bool takes_partial_checksums = false;
  bool takes_segments = false;
};

struct Segment {
  uint8_t* data;
  uint32_t bytes;
};

class SplitVring {
 public:
  SplitVring(const RingArea& area, const GuestMemory& memory);

  uint16_t header_bytes() const { return area_.header_bytes; }
  RingPosition position() const { return area_.position; }

  // How many entries the guest has made available beyond number `reached`; with those before it
  // that were not given back at most the ring's size, whatever the guest says. The index is a cache
  // line that the guest writes: a look at it may have to wait for the other core.
  uint16_t available_beyond(uint16_t reached) const {
    // Acquire: the entries and descriptors behind it were written before.
    const uint16_t index = load_acquire(&area_.available->idx);
    const auto held = static_cast<uint16_t>(reached - area_.position.available);
    const auto all = std::min(static_cast<uint16_t>(index - area_.position.available), area_.size);
    return all > held ? static_cast<uint16_t>(all - held) : uint16_t{0};
  }
  uint16_t head_at(uint16_t number) const { return load(&area_.available->ring[number & mask_]); }
  void prefetch_descriptor_at(uint16_t number) const {
    __builtin_prefetch(&area_.descriptors[head_at(number) & mask_]);
  }

  // The buffer of an entry that consists of one descriptor for the direction: nearly all do.
  std::optional<Segment> single(uint16_t head, bool guest_reads) const {
    if (head >= area_.size) return std::nullopt;
    const vring_desc& descriptor = area_.descriptors[head];
    const uint16_t flags = load(&descriptor.flags);
    if (flags != (guest_reads ? VRING_DESC_F_WRITE : 0)) return std::nullopt;
    const uint32_t bytes = load(&descriptor.len);
    uint8_t* data = memory_->translate(load(&descriptor.addr), bytes);
    if (data == nullptr) return std::nullopt;
    return Segment{data, bytes};
  }

  static constexpr size_t kMaximumSegments = 32;
  struct Chain {
    std::array<Segment, kMaximumSegments> segments;
    size_t count = 0;
    uint64_t bytes = 0;
  };
  // Any entry: chained or indirect descriptors (virtio 1.2, 2.7.5.3). Nothing when the chain is
  // broken, has no end, is longer than kMaximumSegments or has a descriptor of the other direction.
  std::optional<Chain> chain(uint16_t head, bool guest_reads) const;

  // Gives entry `head` back; publish() shows the guest all that were given back, and tell()
  // interrupts it if it wants to be interrupted for them. Between the two may be some rounds of
  // polling: tell() has to wait until every store before it has reached memory, the longest wait of
  // a request under load, when a guest polls and wants nothing.
  void put_used(uint16_t head, uint32_t bytes) {
    vring_used_elem& element = area_.used->ring[area_.position.used & mask_];
    store(&element.id, static_cast<uint32_t>(head));
    store(&element.len, bytes);
    ++area_.position.used;
  }
  void publish();
  bool told() const { return told_ == published_; }
  void tell();
  void took(uint16_t count) {
    area_.position.available = static_cast<uint16_t>(area_.position.available + count);
  }

 private:
  // Memory that the guest may write at any time: each access is one access.
  template <class T>
  static T load(const T* where) {
    return __atomic_load_n(where, __ATOMIC_RELAXED);
  }
  template <class T>
  static T load_acquire(const T* where) {
    return __atomic_load_n(where, __ATOMIC_ACQUIRE);
  }
  template <class T>
  static void store(T* where, T value) {
    __atomic_store_n(where, value, __ATOMIC_RELAXED);
  }
  bool interrupt_wanted() const;
  void silence_guest();

  RingArea area_;
  const GuestMemory* memory_;
  uint16_t mask_;
  uint16_t published_;        // used index that the guest can see
  uint16_t told_;             // used index up to which it was interrupted where it wanted
  uint16_t silenced_at_ = 0;  // available index from which the guest's notifications were put off
};

}  // namespace plumbline::generator
