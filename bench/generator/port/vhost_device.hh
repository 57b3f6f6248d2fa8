// The other end of a guest's virtio-net, by the vhost-user protocol (DPDK's rte_vhost speaks it):
// which memory and which rings there are. What is in the rings is the polling thread's business
// (vhost_port.hh); this class tells it what it may touch.
//
// Two threads: rte_vhost's, which hears from QEMU, and the one that polls. What the guest has
// changes under the polling thread's feet when a guest goes, when QEMU starts or stops a ring or
// maps memory anew. The polling thread looks at generation() before every burst, when it holds
// nothing of the guest's, and takes over the new state by adopt(); whoever takes something away
// waits for that. So no atomic operation and no fence is paid on the way of a packet.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "vring/guest_memory.hh"
#include "vring/split_vring.hh"

namespace plumbline::generator {

class VhostDevice {
 public:
  struct State {
    GuestMemory memory;
    // By vring number: 2q is what the guest receives on, 2q+1 what it sends on. None: not to be
    // touched.
    std::vector<std::optional<RingArea>> rings;
  };

  // Listens on a socket. `segmentation`: segmentation of TCP is offered, both ways. DPDK has been
  // started. Throws std::runtime_error.
  VhostDevice(std::string path, uint16_t queues, bool segmentation);
  ~VhostDevice();
  VhostDevice(const VhostDevice&) = delete;
  VhostDevice& operator=(const VhostDevice&) = delete;

  bool connected() const { return connected_.load(std::memory_order_relaxed); }
  // Differs from the last adopted one when there is something to adopt.
  uint32_t generation() const { return generation_.load(std::memory_order_acquire); }
  // For the polling thread: `positions` are those of the rings that it had, by vring number;
  // returns what it may touch from now on.
  State adopt(const std::vector<std::optional<RingPosition>>& positions);

 private:
  friend struct VhostCallbacks;

  void connection_came();
  bool guest_came(int id);
  void guest_went(int id);
  void ring_changed(int id, uint16_t ring, bool enabled);
  void memory_changes(int id);
  void memory_changed(int id);

  std::optional<RingArea> describe(int id, uint16_t ring, const GuestMemory& memory) const;
  void offer(State state);
  void wait_until_adopted();

  std::string path_;
  const uint16_t ring_count_;
  std::atomic<bool> connected_{false};
  std::atomic<bool> closing_{false};
  std::atomic<uint32_t> generation_{0};
  std::atomic<uint32_t> adopted_{0};

  std::mutex mutex_;  // of what follows up to the next line
  State offered_;
  std::vector<std::optional<RingPosition>> positions_;  // of rings taken away, for when they return

  // rte_vhost's thread alone.
  std::optional<int> live_;  // the guest that is served
  std::vector<bool> enabled_;
};

}  // namespace plumbline::generator
