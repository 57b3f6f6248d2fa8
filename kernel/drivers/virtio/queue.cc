#include "drivers/virtio/queue.hh"

#include <algorithm>
#include <bit>

#include "core/log.hh"
#include "memory/pages.hh"

namespace plumbline::virtio {

bool start_queue(Transport& transport, uint16_t index, uint16_t most, bool event_index,
                 const QueueInterrupt& interrupt, Queue& queue) {
  const uint16_t maximum = transport.select_queue(index);
  // virtio 1.2, 2.7: a split queue's size is a power of two.
  if (maximum == 0 || !std::has_single_bit(maximum) || maximum > SplitQueue::kMaximumSize) {
    log_error("%s: queue %u has a size of %u", transport.name(), static_cast<unsigned>(index),
              static_cast<unsigned>(maximum));
    return false;
  }
  const uint16_t size = std::min(maximum, std::bit_floor(most));
  const SplitLayout layout = split_layout(size);
  // Never freed: the device may write to it until the guest ends.
  const PageBlock memory = allocate_pages(page_order_for(layout.bytes), Zeroed::kYes);
  if (!memory) {
    log_error("%s: no memory for queue %u (%zu bytes)", transport.name(),
              static_cast<unsigned>(index), layout.bytes);
    return false;
  }
  queue.ring.init(size, static_cast<std::byte*>(memory.data), event_index);
  queue.has_interrupt =
      interrupt.handler != nullptr && transport.connect_interrupt(index, interrupt);
  const uint64_t base = memory.physical().value;
  queue.doorbell = transport.enable_queue(index, size, maximum,
                                          {base, base + layout.available, base + layout.used});
  return true;
}

}  // namespace plumbline::virtio
