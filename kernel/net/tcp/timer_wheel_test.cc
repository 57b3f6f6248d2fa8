#include "net/tcp/timer_wheel.hh"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <random>
#include <vector>

namespace plumbline::net::tcp {
namespace {

constexpr uint64_t kTick = uint64_t{1} << TimerWheel::kTickBits;

struct Clock {
  struct Entry {
    explicit Entry(unsigned number) : number(number) {}
    Timer timer{TimerKind::kConnection};
    unsigned number;
    Nanoseconds wanted;
  };

  explicit Clock(Nanoseconds start = seconds(5)) : now(start), wheel(start) {
    wheel.set_handler(
        TimerKind::kConnection,
        [](void* self, Timer& timer, Nanoseconds at) {
          static_cast<Clock*>(self)->expired(timer, at);
        },
        this);
  }
  Entry& add() {
    entries.push_back(std::make_unique<Entry>(static_cast<unsigned>(entries.size())));
    return *entries.back();
  }
  void arm(Entry& entry, Nanoseconds at) {
    wheel.arm(entry.timer, at);
    entry.wanted = at;
    CHECK(wheel.soonest() <= at + nanoseconds(kTick));
  }
  void expired(Timer& timer, Nanoseconds at) {
    Entry& entry = *member_owner<&Entry::timer>(&timer);
    CHECK(!timer.armed());
    // Never early.
    CHECK(entry.wanted <= at);
    order.push_back(entry.number);
    if (again != nullptr) again(*this, entry);
  }
  void run_to(Nanoseconds at) {
    now = at;
    // As its users do: only when there may be something to do.
    if (wheel.soonest() <= now) wheel.run(now, UINT32_MAX);
    const Nanoseconds bound = wheel.soonest();
    const auto next = wheel.next();
    CHECK((!next || bound <= *next));
  }

  Nanoseconds now;
  TimerWheel wheel;
  std::vector<std::unique_ptr<Entry>> entries;
  std::vector<unsigned> order;
  void (*again)(Clock&, Entry&) = nullptr;
};

TEST_CASE("a timer expires once, within a tick, at every distance") {
  for (const uint64_t start : {uint64_t{0}, uint64_t{1}, 63 * kTick, 4095 * kTick + 17,
                               262'143 * kTick, 1'000'000'007 * kTick}) {
    for (unsigned shift = 0; shift < 50; ++shift) {
      for (const int64_t off : {-1, 0, 1}) {
        Clock clock({start});
        const Nanoseconds at{start + (uint64_t{1} << shift) + static_cast<uint64_t>(off)};
        auto& entry = clock.add();
        clock.arm(entry, at);
        // As whoever sleeps until next() says.
        unsigned wakes = 0;
        while (clock.order.empty()) {
          const auto next = clock.wheel.next();
          REQUIRE(next);
          REQUIRE(++wakes < 12);
          clock.run_to(std::max(*next, clock.now));
        }
        CHECK(clock.now >= at);
        CHECK(clock.now.count < std::max(at.count, start) + 2 * kTick);
        CHECK(clock.wheel.empty());
        CHECK(!clock.wheel.next());
        // A single timer's deadline is known exactly, up to where the wheel's range ends.
        if (shift < 45) CHECK(wakes == 1);
      }
    }
  }
}

TEST_CASE("what expires is what a sorted list would give") {
  std::mt19937_64 random(11);
  for (int round = 0; round < 20; ++round) {
    Clock clock;
    for (int i = 0; i < 300; ++i) clock.add();
    std::map<unsigned, Nanoseconds> model;
    for (int step = 0; step < 4000; ++step) {
      auto& entry = *clock.entries[random() % clock.entries.size()];
      switch (random() % 4) {
        case 0:
        case 1: {
          const uint64_t distance = random() >> (14 + random() % 50);
          clock.arm(entry, clock.now + nanoseconds(distance));
          model[entry.number] = entry.wanted;
          break;
        }
        case 2:
          clock.wheel.cancel(entry.timer);
          model.erase(entry.number);
          break;
        default: {
          const uint64_t distance = random() >> (24 + random() % 40);
          clock.order.clear();
          clock.run_to(clock.now + nanoseconds(distance));
          for (const unsigned number : clock.order) {
            REQUIRE(model.contains(number));
            model.erase(number);
          }
          // What is left is not due for more than a tick's length.
          for (const auto& [number, at] : model) REQUIRE(at.count + 2 * kTick > clock.now.count);
        }
      }
      REQUIRE(clock.wheel.size() == model.size());
      REQUIRE(clock.wheel.empty() == model.empty());
      // Who sleeps until next() oversleeps nothing.
      for (const auto& [number, at] : model)
        REQUIRE(clock.wheel.next()->count <= std::max(at.count, clock.now.count) + 2 * kTick);
    }
  }
}

TEST_CASE("putting a deadline off is noted, bringing it forward acts at once") {
  Clock clock;
  auto& entry = clock.add();
  const Nanoseconds start = clock.now;
  clock.arm(entry, start + milliseconds(10));
  clock.arm(entry, start + milliseconds(300));
  CHECK(entry.timer.deadline() == start + milliseconds(300));
  clock.run_to(start + milliseconds(299));
  CHECK(clock.order.empty());
  CHECK(entry.timer.armed());
  clock.arm(entry, start + milliseconds(299) + microseconds(100));
  clock.run_to(start + milliseconds(299) + microseconds(300));
  CHECK(clock.order.size() == 1);
}

TEST_CASE("handlers may arm, cancel and destroy any timer") {
  Clock clock;
  for (int i = 0; i < 3; ++i) clock.add();
  for (auto& entry : clock.entries) clock.arm(*entry, clock.now + milliseconds(1));
  clock.again = [](Clock& self, Clock::Entry& entry) {
    if (entry.number == 0) {
      // Now, which must not be in this run.
      self.arm(entry, self.now);
      self.wheel.cancel(self.entries[1]->timer);
      self.entries[1].reset();
    }
  };
  clock.run_to(clock.now + milliseconds(2));
  CHECK(clock.order == std::vector<unsigned>{0, 2});
  CHECK(clock.wheel.size() == 1);
  clock.wheel.cancel(clock.entries[0]->timer);
}

TEST_CASE("many timers at once are handled in parts, none lost, and others may be armed between") {
  Clock clock;
  const Nanoseconds due = clock.now + seconds(3);
  for (int i = 0; i < 10'000; ++i) clock.arm(clock.add(), due);
  clock.now = due + milliseconds(1);
  unsigned calls = 1;
  while (clock.wheel.run(clock.now, 100)) {
    CHECK(clock.wheel.next());
    CHECK(clock.wheel.next()->count <= clock.now.count);
    if (calls < 10) clock.arm(clock.add(), clock.now + milliseconds(calls));
    ++calls;
  }
  CHECK(calls >= 100);
  CHECK(calls <= 1000);
  CHECK(clock.order.size() == 10'000);
  clock.run_to(clock.now + seconds(1));
  CHECK(clock.order.size() == 10'009);
  CHECK(clock.wheel.empty());
}

}  // namespace
}  // namespace plumbline::net::tcp
