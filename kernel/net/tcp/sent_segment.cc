#include "net/tcp/sent_segment.hh"

namespace plumbline::net::tcp {

SentSegmentPool::~SentSegmentPool() {
  while (free_ != nullptr) {
    SentSegment* const segment = free_;
    free_ = segment->next;
    memory_.release(segment);
  }
}

bool SentSegmentPool::grow() {
  auto* const segment = static_cast<SentSegment*>(memory_.allocate());
  if (segment == nullptr) return false;
  segment->next = free_;
  free_ = segment;
  ++kept_;
  return true;
}

}  // namespace plumbline::net::tcp
