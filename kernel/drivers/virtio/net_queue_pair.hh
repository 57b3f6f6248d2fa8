// One receive and one transmit queue of a network device (virtio 1.2, 5.1), with the buffers that
// travel between them. Portable: hosted tests run it against a simulated device.
//
// A pair belongs to one thread. A received buffer may be transmitted as it is (an answer written in
// place) and returns to the pool when the device has sent it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "drivers/virtio/doorbell.hh"
#include "drivers/virtio/split_queue.hh"
#include "net/packet_buffer.hh"

namespace plumbline::virtio {

/// In front of every frame, 12 bytes with VIRTIO_F_VERSION_1 (virtio 1.2, 5.1.6).
struct NetHeader {
  uint8_t flags = 0;
  uint8_t gso_type = 0;
  uint16_t header_length = 0;
  uint16_t gso_size = 0;
  uint16_t checksum_start = 0;
  uint16_t checksum_offset = 0;
  uint16_t buffer_count = 0;
};
static_assert(sizeof(NetHeader) == 12 && sizeof(NetHeader) == net::PacketBuffer::kHeadroom);

/// Written by the pair's thread (interrupts: by its handler), read by anyone for orientation.
struct NetStatistics {
  uint64_t packets_received = 0;
  uint64_t bytes_received = 0;
  uint64_t packets_sent = 0;  // handed to the device
  uint64_t bytes_sent = 0;
  uint64_t bursts_received = 0;
  uint64_t empty_polls = 0;
  uint64_t notifications = 0;
  uint64_t interrupts = 0;
  uint64_t transmit_waits = 0;     // the transmit ring was full and the device was given time
  uint64_t dropped_ring_full = 0;  // ... and that did not help
  uint64_t dropped_too_many_pieces = 0;
  uint64_t dropped_malformed = 0;  // received, but shorter than its header
  uint64_t refill_shortages = 0;   // no free buffer for the receive ring
};

/// Where the pool's buffers are. In a pair at rest `elsewhere` is what the protocol code holds;
/// what it holds and the transmit ring has as well counts for the ring.
struct BufferCensus {
  size_t total;
  size_t free;
  size_t receive_ring;
  size_t transmit_ring;
  size_t elsewhere;
};

struct NetQueueFeatures {
  bool mergeable_buffers = false;
  bool receive_checksum = false;   // GUEST_CSUM: the device vouches for checksums
  bool transmit_checksum = false;  // CSUM: it completes partial ones
  bool receive_joined = false;     // GUEST_TSO4, 6: it may join TCP segments to one frame (kJoined)
  bool segments_ipv4 = false;      // HOST_TSO4: it cuts TCP over IPv4 into segments
  bool segments_ipv6 = false;      // HOST_TSO6
  bool segments_reduced = false;   // HOST_ECN: of segments with CWR only the first keeps it
};

class NetQueuePair {
 public:
  /// Frames given to the device between two publications: more let the device idle, fewer cost
  /// fences.
  static constexpr unsigned kPublishEvery = 8;
  /// Most frames of one receive().
  static constexpr unsigned kBurst = 64;
  /// Most buffers of one transmitted frame.
  static constexpr unsigned kMostPieces = 48;

  NetQueuePair() = default;
  NetQueuePair(const NetQueuePair&) = delete;
  NetQueuePair& operator=(const NetQueuePair&) = delete;

  /// `receive` and `transmit` are ready for use; `pool` has its buffers. Fills the receive ring
  /// with at most two thirds of the pool, so that some are left to answer with. The device is told
  /// by start().
  void init(SplitQueue& receive, Doorbell receive_doorbell, SplitQueue& transmit,
            Doorbell transmit_doorbell, net::BufferPool& pool, NetQueueFeatures features);
  /// The device works now (DRIVER_OK): tells it of the receive buffers.
  void start();

  /// Takes received frames, as many as there are and fit; the caller owns them. Refills the ring.
  size_t receive(std::span<net::PacketBuffer*> frames);
  /// True when receive() would find something. For polling loops: one load.
  bool has_received() const { return receive_->has_used(); }

  /// Hands frames to the device, in order, and takes over the buffers. When the ring stays full,
  /// frames are dropped and counted. A frame has kHeadroom bytes free before `data`. What it wants
  /// of the device (kPartial aside, which is done here else) must be among features(). It holds one
  /// reference to each of its buffers, which may be of any source: until the device has sent it,
  /// who has another must not write to what is being sent.
  void transmit(std::span<net::PacketBuffer* const> frames);
  /// The same for one frame.
  void transmit(net::PacketBuffer* frame);
  /// Whether a quarter of the transmit ring is free: enough for a burst of large frames. Frames
  /// given to a ring without room cost time, and are dropped when the device stays behind.
  bool has_room() {
    const unsigned wanted = transmit_->size() / 4;
    if (transmit_->free_descriptors() >= wanted) [[likely]]
      return true;
    reclaim();
    return transmit_->free_descriptors() >= wanted;
  }
  /// Takes back what the device has sent.
  void reclaim();
  // For an empty pool: hands over what waits, takes back what was sent, and gives a device that is
  // behind a bounded time to send. False when no buffer came back.
  bool recover_buffers();

  /// Asks for an interrupt at the next frame. True: none is there, the caller may sleep. False:
  /// there is work now, or interrupts can not be had, and the caller goes on polling.
  [[nodiscard]] bool arm_interrupt();
  /// No interrupts while the caller polls.
  void disarm_interrupt() { receive_->disarm_interrupt(); }

  /// Whom the device's interrupt calls, in interrupt context. Set before the first arm_interrupt().
  void set_wake(void (*wake)(void*), void* argument) {
    wake_argument_ = argument;
    wake_ = wake;
  }
  /// The interrupt handler; `pair` is a NetQueuePair.
  static void interrupted(void* pair);
  /// Without interrupts arm_interrupt() never lets the caller sleep. Default: there are none.
  void set_interrupts_available(bool available) { interrupts_available_ = available; }
  /// Called once when a queue breaks, with the reason and the value the device reported.
  void set_on_broken(void (*report)(const char* queue, const char* why, uint32_t value)) {
    on_broken_ = report;
  }

  net::BufferPool& pool() { return *pool_; }
  const NetStatistics& statistics() const { return statistics_; }
  BufferCensus census() const;
  const NetQueueFeatures& features() const { return features_; }

 private:
  void refill();
  void publish_receive();
  void publish_transmit();
  static void put_header(const net::PacketBuffer* frame);
  bool is_usual(const net::PacketBuffer* frame) const;
  bool add_usual_frame(net::PacketBuffer* frame);
  bool add_any_frame(net::PacketBuffer* frame);
  bool put_segments_header(const net::PacketBuffer* frame) const;
  void accept_joined(net::PacketBuffer* frame, uint8_t kind) const;
  void finish_transmit(bool notify);
  bool wait_for_room(unsigned descriptors);
  net::PacketBuffer* accept(const Completion& completion);
  void check_broken();

  SplitQueue* receive_ = nullptr;
  SplitQueue* transmit_ = nullptr;
  net::BufferPool* pool_ = nullptr;
  Doorbell receive_doorbell_;
  Doorbell transmit_doorbell_;
  NetQueueFeatures features_;
  unsigned receive_target_ = 0;  // buffers to keep in the receive ring
  unsigned refill_at_ = 0;       // refill when this many are missing
  unsigned reclaim_at_ = 1;      // take back what was sent when so many are in the ring
  // Frames up to this state need nothing of the driver but a header.
  net::ChecksumState usual_checksum_ = net::ChecksumState::kJoined;
  bool interrupts_available_ = false;
  bool reported_broken_ = false;
  bool start_notification_ = false;
  // A frame of several buffers whose rest has not been taken from the ring yet.
  net::PacketBuffer* partial_head_ = nullptr;
  net::PacketBuffer* partial_tail_ = nullptr;
  unsigned partial_left_ = 0;
  void (*wake_)(void*) = nullptr;
  void* wake_argument_ = nullptr;
  void (*on_broken_)(const char* queue, const char* why, uint32_t value) = nullptr;
  NetStatistics statistics_;
};

}  // namespace plumbline::virtio
