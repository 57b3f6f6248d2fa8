#include "fs/epoll.hh"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "fs/eventfd.hh"
#include "fs/pipe.hh"
#include "fs/test_io.hh"

using namespace plumbline;

namespace {

constexpr Deadline kNow{{0}};

Ref<Epoll> make_epoll() { return Ref<Epoll>::adopt(new Epoll(0)); }

Ref<File> make_counter(std::uint64_t initial = 0, bool semaphore = false) {
  return Ref<EventCounter>::adopt(new EventCounter(initial, semaphore, kOpenNonblocking));
}

void add_to(File& counter, std::uint64_t value) {
  CHECK(*write_file(counter, &value, sizeof value) == sizeof value);
}

std::uint64_t take_from(File& counter) {
  std::uint64_t value = 0;
  const auto got = read_file(counter, &value, sizeof value);
  return got ? value : 0;
}

// "data:events data:events ..." of one wait.
std::string wait_for(Epoll& epoll, unsigned most = 16, Deadline deadline = kNow) {
  std::array<EpollEvent, 64> events;
  REQUIRE(most <= events.size());
  const auto count = epoll.wait(reinterpret_cast<std::uint64_t>(events.data()), most, deadline);
  if (!count) return "error " + std::to_string(static_cast<int>(count.error()));
  std::string text;
  for (unsigned i = 0; i < *count; ++i) {
    text += (i == 0 ? "" : " ") + std::to_string(std::uint64_t{events[i].data}) + ":" +
            std::to_string(std::uint32_t{events[i].events});
  }
  return text;
}

}  // namespace

TEST_CASE("event counters") {
  auto counter = make_counter(3);
  CHECK(counter->poll() == (kPollIn | kPollOut));
  CHECK(take_from(*counter) == 3);
  CHECK(counter->poll() == kPollOut);
  std::uint64_t value = 0;
  CHECK(read_file(*counter, &value, 8).error() == Errno::kEAGAIN);
  CHECK(read_file(*counter, &value, 7).error() == Errno::kEINVAL);
  value = ~std::uint64_t{0};
  CHECK(write_file(*counter, &value, 8).error() == Errno::kEINVAL);
  add_to(*counter, ~std::uint64_t{0} - 1);
  CHECK(counter->poll() == kPollIn);
  value = 1;
  CHECK(write_file(*counter, &value, 8).error() == Errno::kEAGAIN);
  value = 0;
  CHECK(*write_file(*counter, &value, 8) == 8);
  CHECK(take_from(*counter) == ~std::uint64_t{0} - 1);
  counter = make_counter(2, true);
  CHECK(take_from(*counter) == 1);
  CHECK(take_from(*counter) == 1);
  CHECK(take_from(*counter) == 0);
  char text[40];
  CHECK(std::string(text, counter->describe(text)) == "anon_inode:[eventfd]");
}

TEST_CASE("a level-triggered entry is told again until nothing is left") {
  const auto epoll = make_epoll();
  const auto counter = make_counter();
  CHECK(epoll->add(*counter, 7, {kPollIn, 70}));
  CHECK(wait_for(*epoll).empty());
  add_to(*counter, 1);
  CHECK(wait_for(*epoll) == "70:1");
  CHECK(wait_for(*epoll) == "70:1");
  CHECK(take_from(*counter) == 1);
  CHECK(wait_for(*epoll).empty());
}

TEST_CASE("an edge-triggered entry is told once for each event") {
  const auto epoll = make_epoll();
  const auto counter = make_counter(1);
  // What is there when it is added counts.
  CHECK(epoll->add(*counter, 7, {kPollIn | kEpollEdge, 70}));
  CHECK(wait_for(*epoll) == "70:1");
  CHECK(wait_for(*epoll).empty());
  add_to(*counter, 1);
  CHECK(wait_for(*epoll) == "70:1");
  CHECK(wait_for(*epoll).empty());
  CHECK(epoll->modify(*counter, 7, {kPollIn | kPollOut | kEpollEdge, 71}));
  CHECK(wait_for(*epoll) == "71:5");
  CHECK(wait_for(*epoll).empty());
}

TEST_CASE("one shot: disabled until modified") {
  const auto epoll = make_epoll();
  const auto counter = make_counter(1);
  CHECK(epoll->add(*counter, 7, {kPollIn | kEpollOneShot, 70}));
  CHECK(wait_for(*epoll) == "70:1");
  add_to(*counter, 1);
  CHECK(wait_for(*epoll).empty());
  CHECK(epoll->modify(*counter, 7, {kPollIn | kEpollOneShot, 71}));
  CHECK(wait_for(*epoll) == "71:1");
  CHECK(wait_for(*epoll).empty());
}

TEST_CASE("errors of epoll_ctl") {
  const auto epoll = make_epoll();
  const auto counter = make_counter();
  CHECK(epoll->modify(*counter, 7, {kPollIn, 0}).error() == Errno::kENOENT);
  CHECK(epoll->remove(*counter, 7).error() == Errno::kENOENT);
  CHECK(epoll->add(*counter, 7, {kPollIn, 0}));
  CHECK(epoll->add(*counter, 7, {kPollIn, 0}).error() == Errno::kEEXIST);
  // The same file under another descriptor is another entry.
  CHECK(epoll->add(*counter, 8, {kPollIn, 1}));
  add_to(*counter, 1);
  CHECK(wait_for(*epoll).size() == 7);
  CHECK(epoll->remove(*counter, 7));
  CHECK(wait_for(*epoll) == "1:1");
  CHECK(epoll->add(*epoll, 3, {kPollIn, 0}).error() == Errno::kEINVAL);
  CHECK(epoll->modify(*counter, 8, {kPollIn | kEpollExclusive, 0}).error() == Errno::kEINVAL);
  CHECK(epoll->add(*counter, 9, {kPollIn | kEpollExclusive | kEpollOneShot, 0}).error() ==
        Errno::kEINVAL);
  CHECK(epoll->add(*counter, 9, {kPollIn | kEpollExclusive, 9}));
  CHECK(epoll->modify(*counter, 9, {kPollIn, 0}).error() == Errno::kEINVAL);
}

TEST_CASE("an entry ends with its file, a set with its entries") {
  auto epoll = make_epoll();
  auto counter = make_counter(1);
  CHECK(epoll->add(*counter, 7, {kPollIn, 70}));
  CHECK(wait_for(*epoll) == "70:1");
  auto second = counter;
  counter = nullptr;
  CHECK(wait_for(*epoll) == "70:1");
  second = nullptr;
  CHECK(wait_for(*epoll).empty());
  counter = make_counter(1);
  CHECK(epoll->add(*counter, 7, {kPollIn, 71}));
  epoll = nullptr;
  add_to(*counter, 1);
}

TEST_CASE("more files than are asked for at once take turns") {
  const auto epoll = make_epoll();
  std::vector<Ref<File>> counters;
  for (int i = 0; i < 5; ++i) {
    counters.push_back(make_counter(1));
    CHECK(epoll->add(*counters.back(), i, {kPollIn, static_cast<std::uint64_t>(i)}));
  }
  CHECK(wait_for(*epoll, 2) == "0:1 1:1");
  CHECK(wait_for(*epoll, 2) == "2:1 3:1");
  CHECK(wait_for(*epoll, 2) == "4:1 0:1");
}

TEST_CASE("many entries: every one is found again") {
  const auto epoll = make_epoll();
  constexpr int kMany = 1000;
  std::vector<Ref<File>> counters;
  for (int i = 0; i < kMany; ++i) {
    counters.push_back(make_counter(1));
    CHECK(epoll->add(*counters.back(), i, {kPollIn | kEpollEdge, static_cast<std::uint64_t>(i)}));
  }
  unsigned told = 0;
  for (std::string text = wait_for(*epoll, 64); !text.empty(); text = wait_for(*epoll, 64))
    told += static_cast<unsigned>(std::count(text.begin(), text.end(), ':'));
  CHECK(told == kMany);
  for (int i = 0; i < kMany; ++i) CHECK(epoll->remove(*counters[static_cast<size_t>(i)], i));
}

TEST_CASE("a bad address loses no event") {
  const auto epoll = make_epoll();
  const auto counter = make_counter(1);
  CHECK(epoll->add(*counter, 7, {kPollIn | kEpollEdge | kEpollOneShot, 70}));
  CHECK(epoll->wait(8, 100, kNow).error() == Errno::kEFAULT);
  CHECK(wait_for(*epoll) == "70:1");
  CHECK(epoll->modify(*counter, 7, {kPollIn, 71}));
  CHECK(!epoll->give_only(8));
  CHECK(epoll->wait(8, 100, kNow).error() == Errno::kEFAULT);
  CHECK(wait_for(*epoll) == "71:1");
}

TEST_CASE("sets in sets") {
  const auto inner = make_epoll(), outer = make_epoll();
  const auto counter = make_counter();
  CHECK(inner->add(*counter, 7, {kPollIn, 70}));
  CHECK(outer->add(*inner, 5, {kPollIn, 50}));
  CHECK(wait_for(*outer).empty());
  add_to(*counter, 1);
  CHECK(inner->poll() == (kPollIn | kPollReadNormal));
  CHECK(wait_for(*outer) == "50:1");
  CHECK(take_from(*counter) == 1);
  CHECK(wait_for(*outer).empty());
  CHECK(inner->add(*outer, 6, {kPollIn, 0}).error() == Errno::kELOOP);
  CHECK(outer->add(*inner, 9, {kPollIn | kEpollExclusive, 0}).error() == Errno::kEINVAL);
}

TEST_CASE("chains of five sets are the longest") {
  std::vector<Ref<Epoll>> chain;
  for (int i = 0; i < 6; ++i) chain.push_back(make_epoll());
  for (unsigned i = 0; i < 4; ++i) CHECK(chain[i]->add(*chain[i + 1], 1, {kPollIn, 0}));
  CHECK(chain[4]->add(*chain[5], 1, {kPollIn, 0}).error() == Errno::kELOOP);
  CHECK(chain[5]->add(*chain[0], 1, {kPollIn, 0}).error() == Errno::kELOOP);
}

TEST_CASE("exclusive: one of several sets that wait") {
  const auto a = make_epoll(), b = make_epoll();
  const auto counter = make_counter();
  CHECK(a->add(*counter, 1, {kPollIn | kEpollExclusive, 1}));
  CHECK(b->add(*counter, 1, {kPollIn | kEpollExclusive, 2}));
  // Nobody waits: both learn it.
  add_to(*counter, 1);
  CHECK(wait_for(*a) == "1:1");
  CHECK(wait_for(*b) == "2:1");
  CHECK(take_from(*counter) == 1);
  CHECK(wait_for(*a).empty());
  CHECK(wait_for(*b).empty());
}

TEST_CASE("no wake-up is lost between threads") {
  const auto epoll = make_epoll();
  constexpr int kFiles = 4, kWaiters = 2;
  constexpr std::uint64_t kEach = 3000;
  for (const std::uint32_t mode : {0u, kEpollEdge, kEpollOneShot}) {
    std::vector<Ref<File>> counters;
    for (int i = 0; i < kFiles; ++i) {
      counters.push_back(make_counter());
      CHECK(epoll->add(*counters.back(), i, {kPollIn | mode, static_cast<std::uint64_t>(i)}));
    }
    std::atomic<std::uint64_t> taken{0};
    std::vector<std::thread> threads;
    for (int w = 0; w < kWaiters; ++w) {
      threads.emplace_back([&] {
        while (taken.load() < kFiles * kEach) {
          EpollEvent event;
          // A lost wake-up is a wait without an end, were it not for the deadline.
          const auto count = epoll->wait(reinterpret_cast<std::uint64_t>(&event), 1,
                                         Deadline::after(milliseconds(2000)));
          REQUIRE(count);
          if (*count == 0) {
            CHECK(taken.load() == kFiles * kEach);
            return;
          }
          const auto index = static_cast<std::size_t>(event.data);
          taken += take_from(*counters[index]);
          if (mode == kEpollOneShot)
            CHECK(epoll->modify(*counters[index], static_cast<int>(index),
                                event = {kPollIn | mode, index}));
        }
      });
    }
    for (int f = 0; f < kFiles; ++f) {
      threads.emplace_back([&counters, f] {
        for (std::uint64_t i = 0; i < kEach; ++i) add_to(*counters[static_cast<std::size_t>(f)], 1);
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(taken == kFiles * kEach);
  }
}

TEST_CASE("files and sets end while others use them") {
  for (int round = 0; round < 300; ++round) {
    auto epoll = make_epoll();
    auto first = make_counter(1), second = make_counter(1);
    CHECK(epoll->add(*first, 1, {kPollIn, 1}));
    CHECK(epoll->add(*second, 2, {kPollIn, 2}));
    std::thread closer([file = std::move(first)]() mutable { file = nullptr; });
    std::thread writer([file = second]() mutable {
      add_to(*file, 1);
      file = nullptr;
    });
    if (round % 2 == 0) wait_for(*epoll);
    second = nullptr;
    epoll = nullptr;
    closer.join();
    writer.join();
  }
}
