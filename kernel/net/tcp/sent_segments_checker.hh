// For hosted tests: whether a scoreboard is in order.
#pragma once

#include <doctest/doctest.h>

#include <vector>

#include "net/tcp/sent_segments.hh"

namespace plumbline::net::tcp {

// Looks at all the orders that records are in.
class SentSegmentsChecker {
 public:
  static void check(const SentSegments& segments, bool by_time) {
    uint32_t count = 0, sacked = 0, lost = 0, flight = 0;
    Sequence at = segments.una_;
    const SentSegment* previous = nullptr;
    for (const SentSegment* segment = segments.first_; segment != nullptr;
         segment = segment->next) {
      REQUIRE(segment->range.begin == at);
      REQUIRE(segment->range.begin < segment->range.end);
      REQUIRE(segment->previous == previous);
      // Sacked neighbours are one record: what bounds the cost of a SACK block.
      if (previous != nullptr && segment->state == SegmentState::kSacked)
        REQUIRE(previous->state != SegmentState::kSacked);
      at = segment->range.end;
      previous = segment;
      ++count;
      sacked += segment->state == SegmentState::kSacked ? segment->range.length() : 0;
      lost += segment->state == SegmentState::kLost ? segment->range.length() : 0;
      flight += segment->state == SegmentState::kInFlight ? segment->range.length() : 0;
    }
    REQUIRE(at == segments.next_);
    REQUIRE(segments.last_ == previous);
    REQUIRE(segments.count_ == count);
    REQUIRE(segments.sacked_ == sacked);
    REQUIRE(segments.lost_ == lost);
    REQUIRE(segments.in_flight() == flight);
    REQUIRE(list(segments.oldest_, segments.newest_, SegmentState::kInFlight, by_time) == flight);
    REQUIRE(list(segments.first_lost_, segments.last_lost_, SegmentState::kLost, false) == lost);
    if (segments.index_.built()) check_index(segments);
  }
  static bool indexed(const SentSegments& segments) { return segments.index_.built(); }

 private:
  static uint32_t list(const SentSegment* first, const SentSegment* last, SegmentState state,
                       bool by_time) {
    uint32_t bytes = 0;
    const SentSegment* older = nullptr;
    for (const SentSegment* segment = first; segment != nullptr; segment = segment->newer) {
      REQUIRE(segment->state == state);
      REQUIRE(segment->older == older);
      if (by_time && older != nullptr) REQUIRE(older->sent_at <= segment->sent_at);
      bytes += segment->range.length();
      older = segment;
    }
    REQUIRE(last == older);
    return bytes;
  }
  static void check_index(const SentSegments& segments) {
    const SentSegment* root = segments.first_;
    while (root->parent != nullptr) root = root->parent;
    std::vector<const SentSegment*> order;
    walk(root, order);
    size_t i = 0;
    for (const SentSegment* segment = segments.first_; segment != nullptr;
         segment = segment->next) {
      REQUIRE(i < order.size());
      REQUIRE(order[i++] == segment);
    }
    REQUIRE(i == order.size());
  }
  static void walk(const SentSegment* node, std::vector<const SentSegment*>& order) {
    if (node->left != nullptr) {
      REQUIRE(node->left->parent == node);
      REQUIRE(node->left->priority <= node->priority);
      walk(node->left, order);
    }
    order.push_back(node);
    if (node->right != nullptr) {
      REQUIRE(node->right->parent == node);
      REQUIRE(node->right->priority <= node->priority);
      walk(node->right, order);
    }
  }
};

}  // namespace plumbline::net::tcp
