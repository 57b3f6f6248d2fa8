#include "net/tcp/reassembly.hh"

#include <algorithm>

namespace plumbline::net::tcp {

Reassembly::Place Reassembly::find(OffsetRange range) {
  const uint32_t begin = next_ + range.begin;
  const uint32_t end = next_ + range.end;
  const auto before = [](uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) < 0; };
  Range* const last = ranges() + count_;
  // The first range that ends at or behind the new bytes' begin: all before it are out of reach.
  Range* at = std::partition_point(ranges(), last,
                                   [&](const Range& other) { return before(other.end, begin); });
  Place place{};
  place.kept = range;
  ++stamp_;
  if (at != last && !before(begin, at->begin)) {
    // It begins in this range or at its end.
    at->stamp = stamp_;
    if (!before(at->end, end)) {
      place.duplicate = true;
      place.was_there = range;
      place.kept = {};
      return place;
    }
    if (at->end != begin) {
      place.duplicate = true;
      place.was_there = {range.begin, range.begin + (at->end - begin)};
      place.kept.begin = place.was_there.end;
    }
    place.joins_previous = true;
    ++at;
  }
  place.index = static_cast<uint16_t>(at - ranges());
  for (; at != last && before(at->begin, end); ++at) {
    if (!place.duplicate) {
      place.duplicate = true;
      const uint32_t common = before(at->end, end) ? at->end : end;
      place.was_there = {at->begin - next_, common - next_};
    }
    if (before(end, at->end)) {
      place.kept.end = at->begin - next_;
      break;
    }
    ++place.replaced;
  }
  const bool joins_next = at != last && at->begin == next_ + place.kept.end;
  // A range of its own needs a place.
  if (!place.joins_previous && !joins_next && place.replaced == 0 && count_ == kMostRanges)
    place.kept = {};
  return place;
}

PieceList Reassembly::take_replaced(const Place& place) {
  PieceList all;
  for (unsigned i = 0; i < place.replaced; ++i) {
    all.append(ranges()[place.index + i].pieces);
    ranges()[place.index + i].pieces = {};
  }
  return all;
}

void Reassembly::keep(const Place& place, PieceList pieces) {
  const uint32_t begin = next_ + place.kept.begin;
  const uint32_t end = next_ + place.kept.end;
  Range* const first = ranges() + place.index;
  Range* from = first + place.replaced;  // ranges from here on stay as they are
  Range merged{begin, end, stamp_, pieces};
  Range* to = first;
  if (place.joins_previous) {
    --to;
    merged.begin = to->begin;
    PieceList joined = to->pieces;
    joined.append(merged.pieces);
    merged.pieces = joined;
  }
  if (from != ranges() + count_ && from->begin == end) {
    merged.end = from->end;
    merged.pieces.append(from->pieces);
    ++from;
  }
  Range* const last = ranges() + count_;
  if (from == to) {
    std::move_backward(from, last, last + 1);
    ++count_;
  } else if (from != to + 1) {
    std::move(from, last, to + 1);
    count_ = static_cast<uint16_t>(count_ - (from - (to + 1)));
  }
  *to = merged;
}

Reassembly::Next Reassembly::take_next() {
  if (count_ == 0 || static_cast<int32_t>(ranges()[0].begin - next_) > 0) return {};
  const Range first = ranges()[0];
  std::move(ranges() + 1, ranges() + count_, ranges());
  --count_;
  return {first.pieces, next_ - first.begin, first.end - first.begin};
}

uint32_t Reassembly::bytes() const {
  uint32_t sum = 0;
  for (size_t i = 0; i < count_; ++i) sum += ranges()[i].end - ranges()[i].begin;
  return sum;
}

unsigned Reassembly::recent(std::span<OffsetRange> to) const {
  unsigned found = 0;
  std::array<uint32_t, kMostRecent> stamps;
  const size_t most = std::min(to.size(), stamps.size());
  for (size_t i = 0; i < count_; ++i) {
    const Range& range = ranges()[i];
    // Sorted by age, the few that are wanted. Ages, because stamps go round.
    const uint32_t age = stamp_ - range.stamp;
    unsigned place = found;
    while (place != 0 && stamps[place - 1] > age) --place;
    if (place == most) continue;
    if (found < most) ++found;
    for (unsigned j = found - 1; j > place; --j) {
      stamps[j] = stamps[j - 1];
      to[j] = to[j - 1];
    }
    stamps[place] = age;
    to[place] = {range.begin - next_, range.end - next_};
  }
  return found;
}

}  // namespace plumbline::net::tcp
