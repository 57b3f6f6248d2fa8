// What is known of one piece of sent data, and where the memory for such records comes from.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/units.hh"
#include "net/tcp/sequence.hh"
#include "net/tcp/slab.hh"

namespace plumbline::net::tcp {

// Where a piece of sent data is thought to be. What is cumulatively acknowledged has no record.
enum class SegmentState : uint8_t {
  kInFlight,  // on its way, first or again: counts for the pipe (RFC 6675, section 4)
  kSacked,    // the receiver has it, but something before it is missing (RFC 2018)
  kLost,      // to be sent again
};

// A range that was sent at one time: one segment, or as many as one TSO frame holds. Cut where the
// receiver has one part and not the other; neighbours that the receiver has become one record.
struct SentSegment {
  // By sequence number. A free record is linked by `next`.
  SentSegment* previous;
  SentSegment* next;
  // In flight: by time of transmission. Lost: in the order of retransmission. Sacked: unused.
  SentSegment* older;
  SentSegment* newer;
  // In the index by sequence number (SegmentIndex), while there is one.
  SentSegment* parent;
  SentSegment* left;
  SentSegment* right;
  Nanoseconds sent_at;  // the last transmission; of no two records the same, but for cut ones
  SequenceRange range;
  uint32_t priority;      // in the index
  uint16_t segment_size;  // payload of its segments on the wire, but perhaps the last
  SegmentState state;
  bool retransmitted;  // was sent more than once: RTT samples are ambiguous (RFC 6298, section 3)
};

// How long ago something was sent: at least nothing, as times of sending may be a little ahead of
// the clock (SentSegments).
constexpr Nanoseconds time_since(Nanoseconds sent_at, Nanoseconds now) {
  return now > sent_at ? now - sent_at : Nanoseconds{};
}

// Records for all connections of a domain. The few that come and go all the time are kept in a
// list, last in first out, so that connections that send one segment at a time all use the same
// warm one; the memory of the others goes back. Not synchronised.
class SentSegmentPool {
 public:
  // So many free records are kept.
  static constexpr uint32_t kKept = 256;

  // At most `limit` records are in use, connections' first ones not counted: those are refused only
  // where there is no memory. `seed` makes the index's shape unpredictable to peers.
  SentSegmentPool(const MemorySource& source, uint32_t limit, uint32_t seed)
      : random(seed | 1),
        limit_(limit),
        memory_(source, sizeof(SentSegment), 64 * kKiB, UINT32_MAX) {}
  ~SentSegmentPool();
  SentSegmentPool(const SentSegmentPool&) = delete;
  SentSegmentPool& operator=(const SentSegmentPool&) = delete;

  // A record for a connection that has none (`first`) or some. Nothing in it is set. Null: none.
  SentSegment* allocate(bool first) {
    if (!available(first)) [[unlikely]]
      return nullptr;
    SentSegment* const segment = free_;
    free_ = segment->next;
    --kept_;
    further_ += !first;
    return segment;
  }
  // Whether allocate(first) will have one.
  bool available(bool first) {
    return (first || further_ < limit_) && (free_ != nullptr || grow());
  }
  // `last`: the connection has none left.
  void release(SentSegment* segment, bool last) {
    further_ -= !last;
    if (kept_ == kKept) [[unlikely]] {
      memory_.release(segment);
      return;
    }
    ++kept_;
    segment->next = free_;
    free_ = segment;
  }
  uint32_t in_use() const { return memory_.used() - kept_; }
  // Memory taken from the source.
  size_t bytes() const { return memory_.bytes(); }

  uint32_t random;  // state of the generator of priorities

 private:
  bool grow();

  SentSegment* free_ = nullptr;
  uint32_t kept_ = 0;
  uint32_t further_ = 0;  // in use that are not their connection's only one
  uint32_t limit_;
  SlabMemory memory_;
};

}  // namespace plumbline::net::tcp
