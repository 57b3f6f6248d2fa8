#include "vring/split_vring.hh"

#include <unistd.h>

namespace plumbline::generator {

SplitVring::SplitVring(const RingArea& area, const GuestMemory& memory)
    : area_(area),
      memory_(&memory),
      mask_(static_cast<uint16_t>(area.size - 1)),
      published_(area.position.used),
      told_(area.position.used) {
  silence_guest();
}

// This side polls: the guest need not say that it has made something available, and each time it
// did would cost it an exit.
void SplitVring::silence_guest() {
  silenced_at_ = area_.position.available;
  if (area_.event_index) {
    // avail_event, behind the used ring (virtio 1.2, 2.7.10): half the numbers away from where the
    // guest is, and moved on long before it gets there.
    auto* event = reinterpret_cast<uint16_t*>(&area_.used->ring[area_.size]);
    store(event, static_cast<uint16_t>(silenced_at_ + 0x8000));
  } else {
    store(&area_.used->flags, static_cast<uint16_t>(VRING_USED_F_NO_NOTIFY));
  }
}

std::optional<SplitVring::Chain> SplitVring::chain(uint16_t head, bool guest_reads) const {
  const uint16_t direction = guest_reads ? VRING_DESC_F_WRITE : 0;
  const vring_desc* table = area_.descriptors;
  uint32_t table_size = area_.size;
  bool indirect = false;
  Chain result;
  uint32_t index = head;
  // A chain visits no descriptor twice, so one that is longer than its table goes round in circles.
  for (uint32_t steps = 0; steps <= table_size; ++steps) {
    if (index >= table_size) return std::nullopt;
    const vring_desc& descriptor = table[index];
    const uint64_t address = load(&descriptor.addr);
    const uint32_t bytes = load(&descriptor.len);
    const uint16_t flags = load(&descriptor.flags);
    const uint16_t next = load(&descriptor.next);
    uint8_t* data = memory_->translate(address, bytes);
    if (data == nullptr) return std::nullopt;
    if ((flags & VRING_DESC_F_INDIRECT) != 0) {
      // Not within another one, and the last of its chain (2.7.5.3.1).
      if (indirect || (flags & VRING_DESC_F_NEXT) != 0 || bytes == 0 ||
          bytes % sizeof(vring_desc) != 0 ||
          reinterpret_cast<uintptr_t>(data) % alignof(vring_desc) != 0)
        return std::nullopt;
      indirect = true;
      table = reinterpret_cast<const vring_desc*>(data);
      table_size = bytes / static_cast<uint32_t>(sizeof(vring_desc));
      index = 0;
      steps = 0;
      continue;
    }
    if ((flags & VRING_DESC_F_WRITE) != direction || result.count == kMaximumSegments)
      return std::nullopt;
    result.segments[result.count++] = {data, bytes};
    result.bytes += bytes;
    if ((flags & VRING_DESC_F_NEXT) == 0) return result;
    index = next;
  }
  return std::nullopt;
}

bool SplitVring::interrupt_wanted() const {
  if (!area_.event_index) {
    return (load(&area_.available->flags) & VRING_AVAIL_F_NO_INTERRUPT) == 0;
  }
  // used_event, behind the available ring (2.7.7.2).
  const uint16_t event = load(&area_.available->ring[area_.size]);
  return vring_need_event(event, published_, told_) != 0;
}

void SplitVring::publish() {
  if (area_.position.used == published_) return;
  published_ = area_.position.used;
  // Release: a guest that sees the index sees the entries and the buffers.
  __atomic_store_n(&area_.used->idx, published_, __ATOMIC_RELEASE);
  if (static_cast<uint16_t>(area_.position.available - silenced_at_) > 0x2000) silence_guest();
}

void SplitVring::tell() {
  if (told()) return;
  // The index before the look at what the guest wants: a guest that goes to sleep writes its wish
  // and then looks at the index, and one of both has to see the other (2.7.7.2). `lock or` and no
  // mfence, which waits for loads and is four times slower.
  uint32_t fence = 0;
  __asm__ volatile("lock orl $0, %0" : "+m"(fence) : : "memory", "cc");
  const bool wanted = interrupt_wanted();
  told_ = published_;
  if (area_.call_file < 0 || !wanted) return;
  const uint64_t one = 1;
  // A counter that is full means that the guest is told already.
  [[maybe_unused]] const ssize_t written = write(area_.call_file, &one, sizeof one);
}

}  // namespace plumbline::generator
