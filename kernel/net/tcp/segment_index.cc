#include "net/tcp/segment_index.hh"

namespace plumbline::net::tcp {
namespace {

// xorshift (Marsaglia, 2003): good enough for a shape, and never zero.
uint32_t draw(uint32_t& random) {
  random ^= random << 13;
  random ^= random >> 17;
  random ^= random << 5;
  return random;
}

}  // namespace

void SegmentIndex::build(SentSegment* first, uint32_t& random) {
  root_ = nullptr;
  for (SentSegment* segment = first; segment != nullptr; segment = segment->next)
    insert(segment, random);
}

SentSegment* SegmentIndex::find(Sequence number) const {
  SentSegment* found = nullptr;
  for (SentSegment* node = root_; node != nullptr;) {
    if (number < node->range.begin) {
      node = node->left;
    } else {
      found = node;
      node = node->right;
    }
  }
  return found;
}

// The place of a record directly behind `previous` is the right of it, or the left end below that.
void SegmentIndex::insert(SentSegment* segment, uint32_t& random) {
  segment->left = segment->right = nullptr;
  segment->priority = draw(random);
  if (root_ == nullptr) {
    segment->parent = nullptr;
    root_ = segment;
    return;
  }
  SentSegment* parent = segment->previous;
  if (parent->right == nullptr) {
    parent->right = segment;
  } else {
    // The one behind has no left child then: it is the next in order of `previous`. While the list
    // is being indexed the records behind are not in the tree yet, and this branch is not taken.
    parent = segment->next;
    parent->left = segment;
  }
  segment->parent = parent;
  while (segment->parent != nullptr && segment->parent->priority < segment->priority)
    rotate_up(segment);
}

void SegmentIndex::replace(SentSegment* segment, SentSegment* by) {
  SentSegment* const parent = segment->parent;
  if (parent == nullptr)
    root_ = by;
  else if (parent->left == segment)
    parent->left = by;
  else
    parent->right = by;
  if (by != nullptr) by->parent = parent;
}

void SegmentIndex::rotate_up(SentSegment* segment) {
  SentSegment* const parent = segment->parent;
  replace(parent, segment);
  if (parent->left == segment) {
    parent->left = segment->right;
    if (parent->left != nullptr) parent->left->parent = parent;
    segment->right = parent;
  } else {
    parent->right = segment->left;
    if (parent->right != nullptr) parent->right->parent = parent;
    segment->left = parent;
  }
  parent->parent = segment;
}

void SegmentIndex::erase(SentSegment* segment) {
  while (segment->left != nullptr && segment->right != nullptr)
    rotate_up(segment->left->priority > segment->right->priority ? segment->left : segment->right);
  replace(segment, segment->left != nullptr ? segment->left : segment->right);
}

}  // namespace plumbline::net::tcp
