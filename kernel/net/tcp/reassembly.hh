// What arrived of a stream beyond the byte that is expected next: disjoint ranges, each with its
// bytes (RFC 9293, 3.10.7.4: segments that are not in order may be held).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "net/piece_list.hh"

namespace plumbline::net::tcp {

// [begin, end), in bytes from the one that is expected next.
struct OffsetRange {
  uint32_t begin = 0;
  uint32_t end = 0;
  friend constexpr bool operator==(const OffsetRange&, const OffsetRange&) = default;
};

// Lies in one page, which a connection has only while something is missing. Ranges are sorted and
// do not touch, and their number is bounded by the page: what would need one more is not kept, and
// comes again.
class Reassembly {
 public:
  static constexpr size_t kBytes = 4096 - sizeof(PacketBuffer);

  // What of new bytes is to be kept, and where.
  struct Place {
    OffsetRange kept;       // empty: all of it is there already, or there is no room for a range
    uint16_t index;         // of the first range behind it, or that it replaces
    uint16_t replaced;      // ranges from there on that it covers
    bool joins_previous;    // it begins where the range in front ends: previous()
    bool duplicate;         // some or all of it was there
    OffsetRange was_there;  // ... the first part that was (RFC 2883, section 4)
  };
  Place find(OffsetRange range);
  // The pieces of the range in front of a place that joins it.
  PieceList& previous(const Place& place) { return ranges()[place.index - 1].pieces; }
  uint32_t previous_length(const Place& place) const {
    const Range& range = ranges()[place.index - 1];
    return range.end - range.begin;
  }
  // Takes the pieces of the ranges that a place replaces out of them, to be dropped.
  PieceList take_replaced(const Place& place);
  // Keeps bytes: `pieces` holds those of place.kept, or, when the place joins the range in front,
  // nothing, for they are at the end of previous() already.
  void keep(const Place& place, PieceList pieces);
  // Bytes [0, length) have come. The range that then begins at or in front of the next one
  // expected, if any: `pieces` has its bytes with the first `skip` of them not new.
  struct Next {
    PieceList pieces;
    uint32_t skip;
    uint32_t length;  // of the range, those skipped included; 0: there is none
  };
  void advance(uint32_t length) { next_ += length; }
  Next take_next();
  bool empty() const { return count_ == 0; }
  size_t count() const { return count_; }
  // The pieces of the range `index`, for whoever moves their bytes elsewhere.
  PieceList& pieces(size_t index) { return ranges()[index].pieces; }
  // Bytes in all ranges.
  uint32_t bytes() const;

  // A TCP header holds four blocks; few ask for more.
  static constexpr size_t kMostRecent = 8;
  // The ranges changed or repeated last first, as many as fit, at most kMostRecent (RFC 2018,
  // section 4).
  unsigned recent(std::span<OffsetRange> to) const;

 private:
  struct Range {
    uint32_t begin;  // as next_
    uint32_t end;
    uint32_t stamp;  // when it was last touched
    PieceList pieces;
  };

  Range* ranges() { return reinterpret_cast<Range*>(storage_); }
  const Range* ranges() const { return reinterpret_cast<const Range*>(storage_); }

  uint32_t next_ = 0;  // the byte expected next, by a count that goes round
  uint32_t stamp_ = 0;
  uint16_t count_ = 0;

 public:
  static constexpr size_t kMostRanges = (kBytes - 16) / sizeof(Range);

 private:
  // Not initialised: most gaps need one or two.
  alignas(Range) std::byte storage_[kMostRanges * sizeof(Range)];
};
static_assert(sizeof(Reassembly) <= Reassembly::kBytes);

}  // namespace plumbline::net::tcp
