// Pipes, event counters and epoll between threads that really block: no wake-up may be lost,
// whatever the number of CPUs.
#include <array>
#include <atomic>

#include "fs/epoll.hh"
#include "fs/eventfd.hh"
#include "fs/io_cursor.hh"
#include "fs/pipe.hh"
#include "tests/crew.hh"
#include "tests/guest_test.hh"

namespace plumbline {
namespace {

Result<std::size_t> read_bytes(File& file, void* to, std::size_t length) {
  IoCursor cursor(reinterpret_cast<std::uint64_t>(to), length);
  return file.read(cursor, 0);
}
Result<std::size_t> write_bytes(File& file, const void* from, std::size_t length) {
  IoCursor cursor(reinterpret_cast<std::uint64_t>(from), length);
  std::uint64_t offset = 0;
  return file.write(cursor, offset);
}

Ref<File> make_counter() {
  return Ref<EventCounter>::adopt(new EventCounter(0, false, kOpenNonblocking));
}

}  // namespace

GUEST_TEST(events_pipe_conversation) {
  PipeEnds there, back;
  there = *create_pipe(0);
  back = *create_pipe(0);
  std::atomic<unsigned> turns;
  turns.store(0);
  {
    const Deadline deadline = Deadline::after(kStressTime);
    const Crew crew(2, [&](unsigned number) {
      unsigned value = 0;
      if (number == 0) {
        for (unsigned i = 1; i <= 300 && (i == 1 || !deadline.passed()); ++i) {
          CHECK(write_bytes(*there.writer, &i, sizeof i));
          CHECK(read_bytes(*back.reader, &value, sizeof value));
          CHECK_EQUAL(value, i);
          turns.fetch_add(1);
        }
        there.writer = nullptr;
      } else {
        for (;;) {
          const auto count = read_bytes(*there.reader, &value, sizeof value);
          CHECK(count);
          if (!count || *count == 0) break;
          CHECK(write_bytes(*back.writer, &value, sizeof value));
        }
      }
    });
  }
  CHECK(turns.load() >= 1);
  there = {};
  back = {};
}

GUEST_TEST(events_pipe_full_and_empty) {
  // More than fits, in uneven pieces: both sides block.
  PipeEnds ends;
  ends = *create_pipe(0);
  std::atomic<std::uint64_t> sent, received;
  sent.store(0);
  received.store(0);
  const unsigned writers = cpu_count() > 1 ? cpu_count() : 2;
  std::atomic<unsigned> open_writers;
  open_writers.store(writers);
  {
    const Crew crew(writers + 2, [&](unsigned number) {
      static std::array<std::byte, 20000> outgoing;
      if (number < writers) {
        for (unsigned i = 0; i < 30; ++i) {
          const std::size_t length = 1 + (i * 3001 + number * 577) % outgoing.size();
          const auto count = write_bytes(*ends.writer, outgoing.data(), length);
          CHECK(count && *count == length);
          sent.fetch_add(length);
        }
        if (open_writers.fetch_sub(1) == 1) ends.writer = nullptr;
        return;
      }
      std::array<std::byte, 1500> incoming;
      for (;;) {
        const auto count = read_bytes(*ends.reader, incoming.data(), incoming.size());
        CHECK(count);
        if (!count || *count == 0) break;
        received.fetch_add(*count);
      }
    });
  }
  CHECK_EQUAL(received.load(), sent.load());
  ends = {};
}

GUEST_TEST(events_epoll_loses_no_wake_up) {
  constexpr unsigned kFiles = 3;
  constexpr std::uint64_t kEach = 100;
  std::array<Ref<File>, kFiles> counters;
  Ref<Epoll> epoll;
  std::atomic<std::uint64_t> taken;
  std::uint32_t mode;
  for (const std::uint32_t trigger : {0u, kEpollEdge, kEpollOneShot}) {
    mode = trigger;
    epoll = Ref<Epoll>::adopt(new Epoll(0));
    taken.store(0);
    for (unsigned i = 0; i < kFiles; ++i) {
      counters[i] = make_counter();
      CHECK(epoll->add(*counters[i], static_cast<int>(i), {kPollIn | mode, i}));
    }
    {
      const Crew crew(kFiles + 2, [&](unsigned number) {
        if (number < kFiles) {
          for (std::uint64_t i = 0; i < kEach; ++i) {
            const std::uint64_t one = 1;
            CHECK(write_bytes(*counters[number], &one, sizeof one));
            if (i % 8 == 0) yield();
          }
          return;
        }
        while (taken.load() < kFiles * kEach) {
          EpollEvent event{};
          const auto count =
              epoll->wait(reinterpret_cast<std::uint64_t>(&event), 1, Deadline::after(seconds(10)));
          CHECK(count);
          if (!count) return;
          if (*count == 0) {
            // In vain for ten seconds is only right when there was nothing to come any more.
            CHECK_EQUAL(taken.load(), kFiles * kEach);
            return;
          }
          const std::uint64_t index = event.data;
          std::uint64_t value = 0;
          if (read_bytes(*counters[index], &value, sizeof value)) {
            if (taken.fetch_add(value) + value == kFiles * kEach) {
              // The other one waits for what will not come: something to wake it with.
              const std::uint64_t one = 1;
              CHECK(write_bytes(*counters[index], &one, sizeof one));
            }
          }
          if (mode == kEpollOneShot) {
            CHECK(
                epoll->modify(*counters[index], static_cast<int>(index), {kPollIn | mode, index}));
          }
        }
      });
    }
    CHECK(taken.load() >= kFiles * kEach);
    epoll = nullptr;
    counters = {};
  }
}

GUEST_TEST(events_exclusive_wakes_one) {
  // Two sets watch one file exclusively, and a thread waits for each: one event wakes one of them.
  Ref<File> counter;
  std::array<Ref<Epoll>, 2> sets;
  std::atomic<unsigned> woken, waiting;
  counter = make_counter();
  woken.store(0);
  waiting.store(0);
  for (Ref<Epoll>& set : sets) {
    set = Ref<Epoll>::adopt(new Epoll(0));
    CHECK(set->add(*counter, 1, {kPollIn | kEpollExclusive, 1}));
  }
  {
    const Crew crew(2, [&](unsigned number) {
      EpollEvent event{};
      waiting.fetch_add(1);
      const auto count = sets[number]->wait(reinterpret_cast<std::uint64_t>(&event), 1,
                                            Deadline::after(milliseconds(300)));
      CHECK(count);
      if (count && *count == 1) woken.fetch_add(1);
    });
    while (waiting.load() != 2) yield();
    // Time to block after saying so.
    sleep_for(milliseconds(50));
    const std::uint64_t one = 1;
    CHECK(write_bytes(*counter, &one, sizeof one));
  }
  // At the deadline the other one looks once more, and its entry was not made ready.
  CHECK_EQUAL(woken.load(), 1);
  sets = {};
  counter = nullptr;
}

GUEST_TEST(events_poll_is_woken_by_any) {
  std::array<Ref<File>, 12> counters;
  std::atomic<unsigned> turn;
  for (Ref<File>& counter : counters) counter = make_counter();
  turn.store(0);
  {
    const Crew crew(2, [&](unsigned number) {
      for (unsigned i = 0; i < 40; ++i) {
        if (number == 0) {
          const std::uint64_t one = 1;
          CHECK(write_bytes(*counters[i * 5 % counters.size()], &one, sizeof one));
          while (turn.load() <= i) yield();
          continue;
        }
        std::array<PollRequest, counters.size()> requests;
        for (std::size_t r = 0; r < requests.size(); ++r) {
          requests[r].file = counters[r].get();
          requests[r].wanted = kPollIn;
        }
        const auto ready = poll_files(requests, Deadline::after(seconds(10)));
        CHECK(ready && *ready == 1);
        CHECK_EQUAL(requests[i * 5 % counters.size()].found, kPollIn);
        std::uint64_t value;
        CHECK(read_bytes(*counters[i * 5 % counters.size()], &value, sizeof value));
        turn.fetch_add(1);
      }
    });
  }
  counters = {};
}

}  // namespace plumbline
