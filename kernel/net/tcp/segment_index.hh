// Sent segments by sequence number.
#pragma once

#include "net/tcp/sent_segment.hh"

namespace plumbline::net::tcp {

// A treap (Aragon and Seidel, FOCS 1989) over records that are in a list in the same order: finding
// takes O(log n) expected, everything else O(1) expected, because the place is known from the list.
// Priorities are random, so that no peer can choose the shape. Keys may change while the order
// stays.
class SegmentIndex {
 public:
  bool built() const { return root_ != nullptr; }
  // Indexes the list from `first` on, by `next`; O(n).
  void build(SentSegment* first, uint32_t& random);
  // The record with the highest begin that is not behind `number`, or null.
  SentSegment* find(Sequence number) const;
  // `segment` is in the list already, behind another one that is indexed.
  void insert(SentSegment* segment, uint32_t& random);
  void erase(SentSegment* segment);
  void clear() { root_ = nullptr; }

 private:
  void replace(SentSegment* segment, SentSegment* by);
  void rotate_up(SentSegment* segment);

  SentSegment* root_ = nullptr;
};

}  // namespace plumbline::net::tcp
