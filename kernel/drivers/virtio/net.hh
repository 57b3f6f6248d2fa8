// A virtio network device (virtio 1.2, 5.1): negotiation, its queue pairs and their buffers.
#pragma once

#include <array>
#include <cstdint>

#include "drivers/virtio/net_queue_pair.hh"
#include "drivers/virtio/queue.hh"

namespace plumbline::virtio {

using MacAddress = std::array<uint8_t, 6>;

class NetDevice {
 public:
  static constexpr unsigned kMostPairs = 8;

  /// Pairs in use, at least 1. Pair i's interrupt goes to CPU i modulo their number.
  unsigned queue_pair_count() const { return pair_count_; }
  NetQueuePair& queue_pair(unsigned index) { return pairs_[index]->pair; }
  const MacAddress& mac() const { return mac_; }
  /// Largest IP packet, in bytes: 1500 unless the device says less.
  unsigned mtu() const { return mtu_; }
  /// False when the device says that its link is down (at start; not followed later).
  bool link_up() const { return link_up_; }
  /// Whether a frame with ChecksumState::kPartial costs nothing.
  bool completes_checksums() const { return features_.transmit_checksum; }
  uint64_t features() const { return accepted_; }
  const char* name() const { return transport_->name(); }

  /// Brings up a device that was claimed. False, with a message in the log, when it can not be
  /// used.
  bool initialise(Transport& transport);

 private:
  struct Pair {
    Queue receive;
    Queue transmit;
    net::BufferPool pool;
    NetQueuePair pair;
  };

  void read_configuration();
  bool start_pair(unsigned index, unsigned ring, size_t memory_budget);
  bool use_pairs(unsigned count);

  Transport* transport_ = nullptr;
  uint64_t accepted_ = 0;
  NetQueueFeatures features_;
  MacAddress mac_{};
  unsigned mtu_ = 1500;
  bool link_up_ = true;
  unsigned most_pairs_ = 1;  // that the device has
  unsigned pair_count_ = 0;
  std::array<Pair*, kMostPairs> pairs_{};
  Queue control_;
};

/// The guest's network device, or nullptr when it has none. Ready when the network level of the
/// boot begins.
NetDevice* network_device();

}  // namespace plumbline::virtio
