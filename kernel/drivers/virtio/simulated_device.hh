// The device's side of a split virtqueue, for hosted tests: it reads the shared memory only, as a
// real device would, and takes addresses for pointers.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "drivers/virtio/split_queue.hh"

namespace plumbline::virtio {

/// Zeroed and aligned memory for a queue of `size` entries.
class QueueMemory {
 public:
  explicit QueueMemory(uint16_t size)
      : bytes_(split_layout(size).bytes),
        memory_(static_cast<std::byte*>(::operator new (bytes_, std::align_val_t{128}))) {
    std::memset(memory_, 0, bytes_);
  }
  ~QueueMemory() { ::operator delete (memory_, std::align_val_t{128}); }
  QueueMemory(const QueueMemory&) = delete;
  QueueMemory& operator=(const QueueMemory&) = delete;
  std::byte* data() const { return memory_; }
  size_t size() const { return bytes_; }

 private:
  size_t bytes_;
  std::byte* memory_;
};

class SimulatedDevice {
 public:
  struct Piece {
    uint64_t address;
    uint32_t length;
    bool writable;
  };
  struct Chain {
    uint16_t head;
    std::vector<Piece> pieces;
  };

  SimulatedDevice(uint16_t size, std::byte* shared, bool event_index)
      : size_(size), shared_(shared), layout_(split_layout(size)), event_index_(event_index) {}

  std::optional<Chain> next_available() {
    const uint16_t index = acquire(available_word(1));
    if (index == available_seen_) return std::nullopt;
    const uint16_t head = load_once(available_word(2 + available_seen_ % size_));
    ++available_seen_;
    Chain chain{head, {}};
    for (uint16_t id = head;;) {
      Descriptor descriptor;
      std::memcpy(&descriptor, shared_ + size_t{16} * id, sizeof descriptor);
      const uint16_t flags = static_cast<uint16_t>(descriptor.length_flags_next >> 32);
      chain.pieces.push_back({descriptor.address,
                              static_cast<uint32_t>(descriptor.length_flags_next),
                              (flags & kDescriptorWrite) != 0});
      if ((flags & kDescriptorNext) == 0) break;
      id = static_cast<uint16_t>(descriptor.length_flags_next >> 48);
    }
    return chain;
  }

  /// Marks `head` used; true: an interrupt is due.
  bool use(uint32_t head, uint32_t length) {
    put_used(head, length);
    const uint16_t before = used_;
    ++used_;
    std::atomic_ref<uint16_t>(used_word(1)).store(used_, std::memory_order_release);
    full_fence();
    if (event_index_) {
      const uint16_t event = load_once(available_word(2u + size_));
      return static_cast<uint16_t>(used_ - event - 1) < static_cast<uint16_t>(used_ - before);
    }
    return (load_once(available_word(0)) & kNoInterrupt) == 0;
  }

  /// Asks for a notification at the `ahead`-th buffer from now on (EVENT_IDX), or for none.
  void want_notification(uint16_t ahead) {
    store_once(used_word(2u + 4u * size_), static_cast<uint16_t>(available_seen_ + ahead));
  }
  void no_notification(bool none) { store_once(used_word(0), none ? kNoNotify : uint16_t{0}); }
  /// Claims `count` used buffers more than there are.
  void run_ahead(uint16_t count) {
    used_ = static_cast<uint16_t>(used_ + count);
    store_once(used_word(1), used_);
  }
  uint16_t available_word_at(size_t i) { return load_once(available_word(i)); }

 private:
  static uint16_t acquire(uint16_t& word) {
    return std::atomic_ref<uint16_t>(word).load(std::memory_order_acquire);
  }
  uint16_t& available_word(size_t i) {
    return reinterpret_cast<uint16_t*>(shared_ + layout_.available)[i];
  }
  uint16_t& used_word(size_t i) { return reinterpret_cast<uint16_t*>(shared_ + layout_.used)[i]; }
  void put_used(uint32_t head, uint32_t length) {
    auto* const element =
        reinterpret_cast<uint32_t*>(shared_ + layout_.used + 4 + size_t{8} * (used_ % size_));
    store_once(element[0], head);
    store_once(element[1], length);
  }

  uint16_t size_;
  std::byte* shared_;
  SplitLayout layout_;
  bool event_index_;
  uint16_t available_seen_ = 0;
  uint16_t used_ = 0;
};

}  // namespace plumbline::virtio
