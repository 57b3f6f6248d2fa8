#include "net/simulator/event_queue.hh"

#include <doctest/doctest.h>

#include <string>

#include "net/simulator/random.hh"

namespace plumbline::net::simulator {
namespace {

TEST_CASE("actions run in the order of their times, and of their arrival where these are equal") {
  EventQueue queue;
  std::string ran;
  queue.at(milliseconds(2), [&] { ran += 'c'; });
  queue.at(milliseconds(1), [&] {
    ran += 'a';
    CHECK(queue.now() == milliseconds(1));
    queue.after(milliseconds(1), [&] { ran += 'e'; });
  });
  queue.at(milliseconds(2), [&] { ran += 'd'; });
  queue.at(milliseconds(1), [&] { ran += 'b'; });
  while (queue.run_one(seconds(1))) {
  }
  CHECK(ran == "abcde");
  CHECK(queue.now() == seconds(1));
  CHECK(queue.executed() == 5);
}

TEST_CASE("time stops at the limit, before what comes later") {
  EventQueue queue;
  int ran = 0;
  queue.at(seconds(3), [&] { ++ran; });
  CHECK(!queue.run_one(seconds(2)));
  CHECK(queue.now() == seconds(2));
  CHECK(ran == 0);
  CHECK(queue.run_one(seconds(3)));
  CHECK(ran == 1);
  CHECK(queue.empty());
}

TEST_CASE("many events leave the heap sorted") {
  EventQueue queue;
  Random random(1);
  Nanoseconds last{};
  for (int i = 0; i < 10'000; ++i) {
    const Nanoseconds time = nanoseconds(random.below(1000));
    queue.at(time, [&queue, &last, time] {
      CHECK(queue.now() == time);
      CHECK(time >= last);
      last = time;
    });
  }
  while (queue.run_one(seconds(1))) {
  }
  CHECK(queue.executed() == 10'000);
}

TEST_CASE("random numbers: known values, bounds and independent streams") {
  // Kept: a simulation's seed means the same case tomorrow.
  Random random(1);
  const uint64_t first = random.next();
  CHECK(Random(1).next() == first);
  CHECK(Random(2).next() != first);
  CHECK(Random(1).fork(0).next() != Random(1).fork(1).next());
  int hits = 0;
  for (int i = 0; i < 100'000; ++i) {
    CHECK(random.below(7) < 7);
    const uint64_t between = random.between(3, 5);
    CHECK((between >= 3 && between <= 5));
    hits += random.chance(0.01);
    CHECK(!random.chance(0));
    CHECK(random.chance(1));
  }
  CHECK(hits > 900);
  CHECK(hits < 1100);
}

}  // namespace
}  // namespace plumbline::net::simulator
