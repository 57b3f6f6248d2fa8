// A virtqueue that is connected to its device.
#pragma once

#include "drivers/virtio/split_queue.hh"
#include "drivers/virtio/transport.hh"

namespace plumbline::virtio {

struct Queue {
  SplitQueue ring;
  Doorbell doorbell;
  bool has_interrupt = false;
};

/// Allocates memory for queue `index` and starts it with at most `most` entries. False, with a
/// message in the log: there is no such queue, or no memory. `queue.has_interrupt` says whether
/// `interrupt` will come.
bool start_queue(Transport& transport, uint16_t index, uint16_t most, bool event_index,
                 const QueueInterrupt& interrupt, Queue& queue);

}  // namespace plumbline::virtio
