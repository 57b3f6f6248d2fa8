#include "net/tcp/sent_segments.hh"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "net/tcp/sent_segments_checker.hh"
#include "net/tcp/test_memory.hh"

namespace plumbline::net::tcp {

namespace {

constexpr uint16_t kSize = 10;

struct Fixture {
  explicit Fixture(uint32_t limit = 100000, Sequence first = {0xffffff00})
      : pool(memory.source(), limit, 1), segments(pool) {
    segments.start(first);
  }
  SequenceRange range(uint32_t begin, uint32_t end) const {
    return {Sequence{0xffffff00} + begin, Sequence{0xffffff00} + end};
  }
  void append(uint32_t bytes) {
    now = now + milliseconds(1);
    segments.append(segments.next() + bytes, kSize, now);
  }
  // Returns the bytes that were delivered.
  uint32_t acknowledge(uint32_t number) {
    DeliverySample sample;
    sample.now = now;
    sample.highest = sample.highest_before = segments.una();
    segments.acknowledge(Sequence{0xffffff00} + number, sample);
    return sample.bytes;
  }
  uint32_t sack(uint32_t begin, uint32_t end) {
    DeliverySample sample;
    sample.now = now;
    sample.highest = sample.highest_before = segments.una();
    segments.sack(range(begin, end), sample);
    SentSegmentsChecker::check(segments, true);
    return sample.bytes;
  }

  TestMemory memory;
  SentSegmentPool pool;
  SentSegments segments;
  Nanoseconds now = seconds(1);
};

TEST_CASE("one segment, acknowledged, the short way and the long way") {
  Fixture fixture;
  SentSegments& segments = fixture.segments;
  CHECK(segments.empty());
  CHECK(segments.only() == nullptr);
  fixture.append(25);
  REQUIRE(segments.only() != nullptr);
  CHECK(segments.in_flight() == 25);
  CHECK(fixture.pool.in_use() == 1);
  segments.acknowledge_only();
  CHECK(segments.empty());
  CHECK(segments.una() == segments.next());
  CHECK(fixture.pool.in_use() == 0);
  fixture.append(30);
  CHECK(fixture.acknowledge(35) == 10);
  CHECK(segments.in_flight() == 20);
  fixture.append(10);
  CHECK(segments.only() == nullptr);
  CHECK(fixture.acknowledge(65) == 30);
  CHECK(segments.empty());
  CHECK(fixture.pool.in_use() == 0);
}

TEST_CASE("SACKs cut a frame at its segments and join what they cover") {
  Fixture fixture;
  SentSegments& segments = fixture.segments;
  fixture.append(105);  // ten segments and a short one
  // Edges within segments count as those segments missing.
  CHECK(fixture.sack(21, 49) == 10);
  CHECK(segments.sacked() == 10);
  CHECK(segments.count() == 3);
  CHECK(fixture.sack(21, 49) == 0);
  CHECK(fixture.sack(1, 9) == 0);
  CHECK(fixture.sack(20, 30) == 10);
  CHECK(fixture.sack(40, 50) == 10);
  CHECK(segments.count() == 3);
  // The short one ends where the record does.
  CHECK(fixture.sack(100, 105) == 5);
  CHECK(fixture.sack(10, 105) == 60);
  CHECK(segments.count() == 2);
  CHECK(segments.in_flight() == 10);
  CHECK(fixture.acknowledge(50) == 10);
  CHECK(segments.sacked() == 55);
  CHECK(fixture.acknowledge(105) == 0);
  CHECK(segments.empty());
}

TEST_CASE("a receiver may leave out the FIN behind the last segment") {
  Fixture fixture;
  fixture.append(30);
  fixture.append(26);  // 25 bytes and a FIN
  CHECK(fixture.sack(30, 55) == 25);
  CHECK(fixture.segments.in_flight() == 31);
  CHECK(fixture.segments.last()->range == fixture.range(55, 56));
  CHECK(fixture.sack(30, 56) == 1);
  CHECK(fixture.segments.in_flight() == 30);
}

TEST_CASE("what is lost waits in the order of numbers, and goes out as it is asked for") {
  Fixture fixture;
  SentSegments& segments = fixture.segments;
  for (int i = 0; i < 5; ++i) fixture.append(30);
  segments.mark_lost(segments.first()->next);
  segments.mark_lost(segments.first()->next->next);
  segments.mark_lost(segments.first());
  SentSegmentsChecker::check(segments, true);
  CHECK(segments.lost() == 90);
  CHECK(segments.in_flight() == 60);
  CHECK(segments.first_lost() == segments.first());
  fixture.now = fixture.now + milliseconds(1);
  segments.retransmitted(fixture.range(0, 20), kSize, fixture.now);
  SentSegmentsChecker::check(segments, true);
  CHECK(segments.lost() == 70);
  CHECK(segments.first()->retransmitted);
  CHECK(segments.first()->sent_at == fixture.now);
  CHECK_FALSE(segments.first_lost()->retransmitted);
  CHECK(segments.first_lost()->range == fixture.range(20, 30));
  // The end of everything, as a probe.
  segments.retransmitted(fixture.range(140, 150), kSize, fixture.now);
  SentSegmentsChecker::check(segments, true);
  CHECK(segments.last()->range == fixture.range(140, 150));
  CHECK(segments.last()->retransmitted);
  CHECK_FALSE(segments.last()->previous->retransmitted);
  segments.unmark_lost();
  SentSegmentsChecker::check(segments, true);
  CHECK(segments.lost() == 0);
  CHECK(segments.in_flight() == 150);
  CHECK(fixture.sack(30, 60) == 30);
  segments.mark_all_lost();
  CHECK(segments.lost() == 120);
  segments.forget_sacks();
  SentSegmentsChecker::check(segments, true);
  CHECK(segments.lost() == 150);
  segments.clear();
  CHECK(fixture.pool.in_use() == 0);
}

TEST_CASE("without records the last one grows, SACKs are not noted, and nothing breaks") {
  Fixture fixture(2);
  SentSegments& segments = fixture.segments;
  for (int i = 0; i < 6; ++i) {
    REQUIRE(segments.can_append());
    fixture.append(20);
  }
  CHECK(segments.count() == 3);
  CHECK(segments.last()->range == fixture.range(40, 120));
  CHECK(fixture.sack(50, 60) == 0);
  CHECK(fixture.sack(20, 40) == 20);
  CHECK(fixture.sack(40, 120) == 80);
  // A join gave two back; the third is the one that grew and is sacked now.
  CHECK(segments.count() == 2);
  fixture.append(20);
  CHECK(segments.count() == 3);
  CHECK(fixture.sack(120, 130) == 0);
  segments.mark_lost(segments.first());
  segments.retransmitted(fixture.range(0, 10), kSize, fixture.now);
  SentSegmentsChecker::check(segments, true);
  CHECK(segments.lost() == 0);
  CHECK(fixture.acknowledge(140) == 40);
  CHECK(fixture.pool.in_use() == 0);

  // No memory at all: a first record is refused, too.
  Fixture poor;
  poor.memory.set_limit(0);
  CHECK_FALSE(poor.segments.can_append());
  poor.memory.set_limit(1 << 20);
  CHECK(poor.segments.can_append());
}

// Linear searches would take hours here.
TEST_CASE("hundreds of thousands of SACKs over tens of thousands of segments") {
  Fixture fixture;
  SentSegments& segments = fixture.segments;
  constexpr uint32_t kCount = 30000;
  for (uint32_t i = 0; i < kCount; ++i) fixture.append(kSize);
  const auto sack = [&](uint32_t begin, uint32_t end) {
    DeliverySample sample;
    sample.now = fixture.now;
    segments.sack(fixture.range(begin, end), sample);
    return sample.bytes;
  };
  // Every other segment, from behind; then blocks anywhere that say nothing new.
  for (uint32_t i = kCount; i > 0; i -= 2) REQUIRE(sack((i - 1) * kSize, i * kSize) == kSize);
  CHECK(segments.count() == kCount);
  std::mt19937 random(1);
  for (int i = 0; i < 500000; ++i) {
    const uint32_t at = (random() % (kCount / 2) * 2 + 1) * kSize;
    REQUIRE(sack(at, at + kSize) == 0);
  }
  // Everything but the first; then that over and over.
  CHECK(sack(kSize, kCount * kSize) == (kCount / 2 - 1) * kSize);
  CHECK(segments.count() == 2);
  for (int i = 0; i < 500000; ++i) REQUIRE(sack(kSize, kCount * kSize) == 0);
  SentSegmentsChecker::check(segments, true);
}

TEST_CASE("the pool gives memory back") {
  TestMemory memory;
  {
    SentSegmentPool pool(memory.source(), 1 << 20, 1);
    SentSegments segments(pool);
    segments.start({1});
    for (int i = 0; i < 30000; ++i) segments.append(segments.next() + 10, kSize, seconds(1));
    CHECK(memory.bytes() > 30000 * sizeof(SentSegment));
    segments.clear();
    CHECK(pool.in_use() == 0);
    CHECK(memory.bytes() <= 3 * 65536);
  }
  CHECK(memory.bytes() == 0);
}

// A scoreboard that knows each byte, and nothing else.
class Model {
 public:
  struct Byte {
    SegmentState state = SegmentState::kInFlight;
    uint64_t sent_at = 0;
    bool again = false;
    uint32_t segment = 0;  // the first byte of its segment
  };

  void append(uint32_t count, uint64_t now) { cut(next, next + count, now, false); }
  void cut(uint32_t begin, uint32_t end, uint64_t now, bool again) {
    for (uint32_t i = begin; i < end; ++i)
      bytes[i] = {SegmentState::kInFlight, now, again, begin + (i - begin) / kSize * kSize};
    next = std::max(next, end);
  }
  uint32_t segment_end(uint32_t at) const {
    uint32_t end = at;
    while (end < next && bytes.at(end).segment == bytes.at(at).segment) ++end;
    return end;
  }
  uint32_t acknowledge(uint32_t number) {
    uint32_t delivered = 0;
    for (; una < number; ++una) {
      delivered += bytes[una].state != SegmentState::kSacked;
      bytes.erase(una);
    }
    return delivered;
  }
  uint32_t sack(uint32_t begin, uint32_t end) {
    uint32_t delivered = 0;
    for (uint32_t i = una; i < next;) {
      const uint32_t stop = segment_end(i);
      // The number before the last may be the end of the data before a FIN.
      const bool fin = stop == next && end + 1 == next && end > i;
      if (i >= begin && (stop <= end || fin))
        for (uint32_t j = i; j < std::min(stop, end); ++j) {
          delivered += bytes[j].state != SegmentState::kSacked;
          bytes[j].state = SegmentState::kSacked;
        }
      if (i >= begin && fin) bytes[end].segment = end;
      i = stop;
    }
    return delivered;
  }
  void change(SegmentState from, SegmentState to) {
    for (auto& [number, byte] : bytes)
      if (byte.state == from) byte.state = to;
  }

  std::map<uint32_t, Byte> bytes;
  uint32_t una = 0, next = 0;
};

void compare(const SentSegments& segments, const Model& model) {
  REQUIRE((segments.una() - Sequence{0xffffff00}) == static_cast<int32_t>(model.una));
  REQUIRE((segments.next() - Sequence{0xffffff00}) == static_cast<int32_t>(model.next));
  for (const SentSegment* segment = segments.first(); segment != nullptr; segment = segment->next) {
    for (Sequence at = segment->range.begin; at < segment->range.end; at += 1) {
      const Model::Byte& byte = model.bytes.at(static_cast<uint32_t>(at - Sequence{0xffffff00}));
      const bool same =
          byte.state == segment->state &&
          (byte.state == SegmentState::kSacked ||
           (byte.sent_at == segment->sent_at.count && byte.again == segment->retransmitted));
      // One assertion a byte would take most of the test's time.
      if (!same) REQUIRE(same);
    }
  }
}

TEST_CASE("random sending, SACKs, losses and retransmissions agree with a model of bytes") {
  int with_index = 0, in_order = 0;
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](uint32_t limit) { return static_cast<uint32_t>(random() % limit); };
    Fixture fixture;
    SentSegments& segments = fixture.segments;
    Model model;
    bool by_time = true, was_indexed = false;
    for (int step = 0; step < 400; ++step) {
      fixture.now = fixture.now + Nanoseconds{below(3)};
      const uint32_t out = model.next - model.una;
      switch (below(12)) {
        case 0:
        case 1:
        case 2: {
          if (out > 1500) break;
          const uint32_t bytes = 1 + below(seed % 2 == 0 ? 100 : 12);
          segments.append(segments.next() + bytes, kSize, fixture.now);
          model.append(bytes, segments.newest()->sent_at.count);
          break;
        }
        case 3: {
          if (out == 0) break;
          uint32_t number = model.una;
          for (uint32_t i = below(5); i > 0 && number < model.next; --i)
            number = model.segment_end(number);
          if (below(40) == 0) number = model.next;
          const bool plain = std::all_of(model.bytes.begin(), model.bytes.end(), [](auto& entry) {
            return entry.second.state == SegmentState::kInFlight && !entry.second.again;
          });
          if (plain && number != model.una && by_time) {
            // The short way, which says when the first and the last of it were sent.
            const uint64_t oldest = model.bytes[model.una].sent_at;
            const uint64_t newest = model.bytes[number - 1].sent_at;
            const auto times = segments.acknowledge_in_order(Sequence{0xffffff00} + number);
            REQUIRE(times.oldest.count == oldest);
            REQUIRE(times.newest.count == newest);
            model.acknowledge(number);
            ++in_order;
            break;
          }
          REQUIRE(fixture.acknowledge(number) == model.acknowledge(number));
          break;
        }
        case 4:
        case 5:
        case 6:
        case 7: {
          if (out == 0) break;
          const uint32_t begin = model.una + below(out);
          const uint32_t end = begin + 1 + below(std::min(model.next - begin, 60U));
          DeliverySample sample;
          sample.now = fixture.now;
          sample.highest = sample.highest_before = segments.una();
          REQUIRE(segments.sack(fixture.range(begin, end), sample));
          REQUIRE(sample.bytes == model.sack(begin, end));
          break;
        }
        case 8: {
          // The oldest is lost, as RACK finds it; or its first segment only.
          SentSegment* const oldest = segments.oldest();
          if (oldest == nullptr) break;
          const auto begin = static_cast<uint32_t>(oldest->range.begin - Sequence{0xffffff00});
          uint32_t bytes = oldest->range.length();
          if (below(2) == 0) bytes = std::min<uint32_t>(bytes, kSize);
          for (uint32_t i = begin; i < begin + bytes; ++i)
            model.bytes[i].state = SegmentState::kLost;
          segments.mark_lost(oldest, bytes);
          break;
        }
        case 9:
        case 10: {
          const SentSegment* const lost = segments.first_lost();
          if (lost == nullptr) break;
          const auto begin = static_cast<uint32_t>(lost->range.begin - Sequence{0xffffff00});
          const uint32_t bytes = std::min(lost->range.length(), kSize * (1 + below(3)));
          segments.retransmitted(fixture.range(begin, begin + bytes), kSize, fixture.now);
          model.cut(begin, begin + bytes, segments.newest()->sent_at.count, true);
          break;
        }
        case 11:
          switch (below(20)) {
            case 0:
              segments.mark_all_lost();
              model.change(SegmentState::kInFlight, SegmentState::kLost);
              break;
            case 1:
              segments.forget_sacks();
              // What the sacked records forgot is in the records: take it from there.
              for (const SentSegment* s = segments.first(); s != nullptr; s = s->next)
                for (Sequence at = s->range.begin; at < s->range.end; at += 1) {
                  Model::Byte& byte = model.bytes[static_cast<uint32_t>(at - Sequence{0xffffff00})];
                  if (byte.state != SegmentState::kSacked) continue;
                  byte.sent_at = s->sent_at.count;
                  byte.again = s->retransmitted;
                  byte.segment = static_cast<uint32_t>(s->range.begin - Sequence{0xffffff00}) +
                                 static_cast<uint32_t>(at - s->range.begin) / s->segment_size *
                                     s->segment_size;
                }
              model.change(SegmentState::kSacked, SegmentState::kLost);
              break;
            case 2:
              segments.unmark_lost();
              model.change(SegmentState::kLost, SegmentState::kInFlight);
              by_time = false;
              break;
            default:
              break;
          }
          break;
      }
      SentSegmentsChecker::check(segments, by_time);
      compare(segments, model);
      was_indexed = was_indexed || SentSegmentsChecker::indexed(segments);
    }
    with_index += was_indexed;
    segments.clear();
    CHECK(fixture.pool.in_use() == 0);
  }
  // Neither way of finding may be the only one that was tried.
  CHECK(in_order > 30);
  CHECK(with_index > 20);
  CHECK(with_index < 60);
}

TEST_CASE("anything at all, with few records: the orders stay whole") {
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](uint32_t limit) { return static_cast<uint32_t>(random() % limit); };
    Fixture fixture(seed % 3 == 0 ? 100000 : 3 + seed);
    SentSegments& segments = fixture.segments;
    for (int step = 0; step < 500; ++step) {
      fixture.now = fixture.now + Nanoseconds{below(3)};
      const uint32_t out = segments.next().value - segments.una().value;
      const uint32_t una = segments.una().value - 0xffffff00;
      switch (below(8)) {
        case 0:
        case 1:
          if (out < 3000 && segments.can_append()) fixture.append(1 + below(100));
          break;
        case 2:
          fixture.acknowledge(una + below(std::min(out, 50U) + 1));
          break;
        case 3:
        case 4: {
          if (out == 0) break;
          DeliverySample sample;
          sample.now = fixture.now;
          const uint32_t begin = una + below(out);
          segments.sack(fixture.range(begin, begin + 1 + below(out - (begin - una))), sample);
          break;
        }
        case 5:
          if (segments.oldest() != nullptr)
            segments.mark_lost(segments.oldest(), 1 + below(segments.oldest()->range.length()));
          break;
        case 6:
          if (const SentSegment* lost = segments.first_lost(); lost != nullptr)
            segments.retransmitted(
                {lost->range.begin, lost->range.begin + (1 + below(lost->range.length()))}, kSize,
                fixture.now);
          break;
        case 7:
          if (below(30) == 0) segments.forget_sacks();
          if (below(30) == 0) segments.mark_all_lost();
          if (below(100) == 0) segments.clear();
          break;
      }
      SentSegmentsChecker::check(segments, true);
    }
    segments.clear();
    CHECK(fixture.pool.in_use() == 0);
  }
}

}  // namespace
}  // namespace plumbline::net::tcp
