#include "drivers/virtio/entropy.hh"

#include <algorithm>
#include <cstring>

#include "core/clock.hh"
#include "core/log.hh"
#include "drivers/virtio/queue.hh"
#include "memory/pages.hh"
#include "sched/thread.hh"

namespace plumbline::virtio {
namespace {

constexpr size_t kMost = 64;
constexpr Nanoseconds kPatience = seconds(1);

struct EntropyDevice {
  Queue queue;
  std::byte* buffer;
  uint64_t physical;
};
EntropyDevice* entropy = nullptr;

}  // namespace

bool initialise_entropy() {
  Transport* const transport = claim_device(DeviceType::kEntropy);
  if (transport == nullptr) return false;
  uint64_t features = 0;
  if (!negotiate(*transport, kFeatureVersion1, kFeatureEventIndex, features)) return false;
  const PageBlock memory = allocate_pages(0, Zeroed::kYes);
  auto* const device = new EntropyDevice;
  if (!memory ||
      !start_queue(*transport, 0, 8, (features & kFeatureEventIndex) != 0, {}, device->queue)) {
    transport->write_status(kStatusFailed);
    return false;
  }
  device->buffer = static_cast<std::byte*>(memory.data);
  device->physical = memory.physical().value;
  device->queue.ring.disarm_interrupt();
  transport->write_status(kStatusAcknowledge | kStatusDriver | kStatusFeaturesOk | kStatusDriverOk);
  entropy = device;
  log_info("%s: entropy", transport->name());
  return true;
}

size_t read_entropy(std::span<std::byte> bytes) {
  if (entropy == nullptr) return 0;
  SplitQueue& ring = entropy->queue.ring;
  // A request that timed out before is still with the device: wait for that one.
  if (ring.in_flight() == 0) {
    const size_t wanted = std::min(bytes.size(), kMost);
    if (wanted == 0 ||
        !ring.add_writable({entropy->physical, static_cast<uint32_t>(wanted)}, entropy->buffer))
      return 0;
    if (ring.publish()) entropy->queue.doorbell.ring();
  }
  const Deadline deadline = Deadline::after(kPatience);
  Completion done;
  while (ring.take_used({&done, 1}) == 0) {
    if (ring.broken() != nullptr || deadline.passed()) return 0;
    yield();  // the host may take milliseconds
  }
  const size_t length = std::min<size_t>(bytes.size(), done.length);
  std::memcpy(bytes.data(), entropy->buffer, length);
  std::memset(entropy->buffer, 0, kMost);  // randomness is not left lying about
  return length;
}

}  // namespace plumbline::virtio
