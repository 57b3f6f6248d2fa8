// What is known of one piece of sent data, and where the memory for such records comes from.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/units.hh"
#include "net/tcp/sequence.hh"

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
  Nanoseconds sent_at;  // the last transmission
  SequenceRange range;
  uint32_t priority;
  SegmentState state;
  bool retransmitted;  // more than once on its way: RTT samples are ambiguous (RFC 6298, section 3)
};

// Records for all connections of a domain: a free list that grows by chunks up to a limit. LIFO, so
// that connections that send one segment at a time all use the same warm record. Not synchronised.
class SentSegmentPool {
 public:
  // Memory for `bytes`, aligned for SentSegment, or null. Called outside of the fast path only.
  using Grow = void* (*)(void* context, size_t bytes);
  static constexpr size_t kChunkBytes = 4096;
  static constexpr size_t kPerChunk = kChunkBytes / sizeof(SentSegment);

  // At most `limit` records for what connections have beyond their first one; a first one is
  // refused only when there is no memory. `seed` makes the index's shape unpredictable to peers.
  SentSegmentPool(Grow grow, void* context, size_t limit, uint32_t seed)
      : grow_(grow), context_(context), limit_(limit), random_(seed | 1) {}
  SentSegmentPool(const SentSegmentPool&) = delete;
  SentSegmentPool& operator=(const SentSegmentPool&) = delete;

  // Null when there is none. Only `priority` of the record is set.
  SentSegment* allocate(bool first) {
    SentSegment* const segment = free_;
    if (segment == nullptr || (!first && in_use_ >= limit_)) [[unlikely]]
      return allocate_slowly(first);
    free_ = segment->next;
    ++in_use_;
    return segment;
  }
  void release(SentSegment* segment) {
    segment->next = free_;
    free_ = segment;
    --in_use_;
  }
  size_t in_use() const { return in_use_; }
  size_t count() const { return count_; }

 private:
  SentSegment* allocate_slowly(bool first);

  SentSegment* free_ = nullptr;
  size_t in_use_ = 0;
  size_t count_ = 0;
  Grow grow_;
  void* context_;
  size_t limit_;
  uint32_t random_;
};

}  // namespace plumbline::net::tcp
