#include "accounting/request_table.hh"

#include <doctest/doctest.h>

#include <deque>
#include <stdexcept>

#include "traffic/random.hh"

using namespace plumbline::generator;

namespace {

uint32_t send(RequestTable& table, uint32_t connection, uint64_t now) {
  const uint32_t index = table.open(connection);
  table.slot(index).state = SlotState::kWaiting;
  table.slot(index).sent = now;
  return index;
}

}  // namespace

TEST_CASE("a reply finds its request once, then it is a duplicate") {
  RequestTable table(2, 4);
  const uint32_t index = send(table, 1, 10);
  const uint16_t id = table.id_of(index);
  uint32_t found = 0;
  CHECK(table.match(0, id, found) == ReplyMatch::kUnknown);
  CHECK(table.match(2, id, found) == ReplyMatch::kUnknown);
  CHECK(table.match(1, id, found) == ReplyMatch::kWaiting);
  CHECK(found == index);
  CHECK(table.connection_of(found) == 1);
  table.close(found);
  CHECK(table.match(1, id, found) == ReplyMatch::kDuplicate);
}

TEST_CASE("a prepared request is not answered before it is sent") {
  RequestTable table(1, 1);
  const uint32_t index = table.open(0);
  uint32_t found = 0;
  CHECK(table.match(0, table.id_of(index), found) == ReplyMatch::kUnknown);
}

TEST_CASE("lost, late, and forgotten") {
  RequestTable table(1, 1);
  const uint32_t index = send(table, 0, 100);
  const uint16_t id = table.id_of(index);
  int lost = 0;
  const auto scan = [&](uint64_t oldest, uint64_t forgotten) {
    table.scan(table.slot_count(), oldest, forgotten, [&](uint32_t which) {
      CHECK(which == index);
      ++lost;
    });
  };
  scan(100, 0);
  CHECK(lost == 0);
  scan(101, 0);
  CHECK(lost == 1);
  scan(1000, 0);
  CHECK(lost == 1);
  uint32_t found = 0;
  CHECK(table.match(0, id, found) == ReplyMatch::kLate);
  scan(1000, 500);
  CHECK(table.match(0, id, found) == ReplyMatch::kDuplicate);
}

TEST_CASE(
    "a lost number is not used again while others are free, and its reply is known after it is "
    "recycled") {
  RequestTable table(1, 1);
  const uint32_t first = send(table, 0, 1);
  const uint16_t first_id = table.id_of(first);
  for (uint32_t i = 1; i < table.slot_count(); ++i) CHECK(send(table, 0, 1) != first);
  table.scan(table.slot_count(), 2, 0, [](uint32_t) {});
  // Every slot is lost now.
  const uint32_t again = send(table, 0, 3);
  uint32_t found = 0;
  CHECK(table.id_of(again) != first_id);
  CHECK(again == first);
  CHECK(table.match(0, first_id, found) == ReplyMatch::kLate);
  CHECK(table.match(0, first_id, found) == ReplyMatch::kDuplicate);
  CHECK(table.match(0, table.id_of(again), found) == ReplyMatch::kWaiting);
}

TEST_CASE("too many open requests are a programming error, too large a window a message") {
  RequestTable table(1, 1);
  for (uint32_t i = 0; i < table.slot_count(); ++i) send(table, 0, 1);
  CHECK_THROWS_AS(table.open(0), std::logic_error);
  CHECK_THROWS_AS(RequestTable(1, 4097), std::invalid_argument);
  CHECK_NOTHROW(RequestTable(1, 4096));
}

TEST_CASE("a lossy, duplicating, delaying server is accounted for to the request") {
  RequestTable table(4, 8);
  Random random(9);
  uint64_t sent = 0, replied = 0, lost = 0, late = 0, duplicates = 0, true_duplicates = 0;
  struct Reply {
    uint64_t at;
    uint32_t connection;
    uint16_t id;
    bool duplicate;
  };
  std::deque<Reply> wire;
  uint32_t open[4] = {};
  constexpr uint64_t kTimeout = 50;
  for (uint64_t now = 1; now < 200'000; ++now) {
    const uint32_t connection = random.next() % 4;
    if (now < 199'000 && open[connection] < 8) {
      const uint32_t index = send(table, connection, now);
      ++sent;
      ++open[connection];
      const uint64_t fate = random.next() % 100;
      const uint16_t id = table.id_of(index);
      if (fate < 90) wire.push_back({now + 5, connection, id, false});
      if (fate >= 85 && fate < 90) wire.push_back({now + 6, connection, id, true});
      // Late: beyond the time-out and its scan, before the number is forgotten.
      if (fate >= 95) wire.push_back({now + 2 * kTimeout, connection, id, false});
    }
    std::deque<Reply> rest;
    for (const Reply& reply : wire) {
      if (reply.at > now) {
        rest.push_back(reply);
        continue;
      }
      uint32_t index = 0;
      switch (table.match(reply.connection, reply.id, index)) {
        case ReplyMatch::kWaiting:
          ++replied;
          --open[reply.connection];
          table.close(index);
          break;
        case ReplyMatch::kLate:
          ++late;
          if (table.slot(index).state == SlotState::kLost) table.close(index);
          break;
        case ReplyMatch::kDuplicate:
          ++duplicates;
          break;
        case ReplyMatch::kUnknown:
          FAIL("a reply that belongs to nothing");
      }
      true_duplicates += reply.duplicate ? 1 : 0;
    }
    wire = std::move(rest);
    table.scan(table.slot_count() / 8, now > kTimeout ? now - kTimeout : 0,
               now > 500 ? now - 500 : 0, [&](uint32_t index) {
                 ++lost;
                 --open[table.connection_of(index)];
               });
  }
  CHECK(sent == replied + lost);
  CHECK(lost > 0);
  CHECK(late > 0);
  CHECK(late <= lost);
  CHECK(duplicates == true_duplicates);
}
