#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "linux/threads/futex_table.hh"

namespace plumbline::linux_abi {
namespace {

bool never() { return false; }

// A word, and the table that it is used with; words of tests are their own keys.
struct Word {
  std::atomic<std::uint32_t> value{0};
  FutexWord name() {
    return {reinterpret_cast<std::uint64_t>(&value), reinterpret_cast<std::uint64_t>(&value)};
  }
};

FutexTable& table() {
  static FutexTable shared;
  return shared;
}

}  // namespace

TEST_CASE("a wait looks at the word first") {
  Word word;
  CHECK(table().wait(word.name(), 1, FutexTable::kAnyBit, Deadline::never(), never).error() ==
        Errno::kEAGAIN);
  CHECK(table().wait({8, 8}, 1, FutexTable::kAnyBit, Deadline::never(), never).error() ==
        Errno::kEFAULT);
  CHECK(table().wait_for_ever(word.name(), 1).error() == Errno::kEAGAIN);
  CHECK(table().wait_for_ever({8, 8}, 1).error() == Errno::kEFAULT);
  CHECK(table()
            .wait(word.name(), 0, FutexTable::kAnyBit, Deadline::after(milliseconds(5)), never)
            .error() == Errno::kETIMEDOUT);
  CHECK(table()
            .wait(word.name(), 0, FutexTable::kAnyBit, Deadline::never(), [] { return true; })
            .error() == Errno::kRestart);
  CHECK(table().wake(word.name().key, 10, FutexTable::kAnyBit) == 0);
}

TEST_CASE("a mutex made of a futex excludes") {
  // Drepper, "Futexes are tricky", mutex2.
  Word word;
  long counter = 0;
  const auto lock = [&] {
    std::uint32_t seen = 0;
    if (word.value.compare_exchange_strong(seen, 1)) return;
    if (seen != 2) seen = word.value.exchange(2);
    for (int tries = 0; seen != 0; ++tries) {
      static_cast<void>(tries % 2 == 0 ? table().wait_for_ever(word.name(), 2)
                                       : table().wait(word.name(), 2, FutexTable::kAnyBit,
                                                      Deadline::never(), never));
      seen = word.value.exchange(2);
    }
  };
  const auto unlock = [&] {
    if (word.value.fetch_sub(1) != 1) {
      word.value.store(0);
      table().wake(word.name().key, 1, FutexTable::kAnyBit);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 5000; ++round) {
        lock();
        ++counter;
        unlock();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(counter == 20000);
}

TEST_CASE("bits choose whom a wake reaches") {
  Word word;
  std::atomic<unsigned> woken{0};
  std::thread low([&] {
    REQUIRE(table().wait(word.name(), 0, 1, Deadline::never(), never));
    woken.fetch_or(1);
  });
  std::thread high([&] {
    REQUIRE(table().wait(word.name(), 0, 2, Deadline::never(), never));
    woken.fetch_or(2);
  });
  while (table().wake(word.name().key, 1, 2) == 0) std::this_thread::yield();
  high.join();
  CHECK(woken.load() == 2);
  while (table().wake(word.name().key, 1, 1) == 0) std::this_thread::yield();
  low.join();
  CHECK(woken.load() == 3);
}

TEST_CASE("waiters are moved to another word") {
  Word from, to;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      REQUIRE(table().wait(from.name(), 0, FutexTable::kAnyBit, Deadline::never(), never));
    });
  }
  const std::uint32_t wrong = 5, right = 0;
  CHECK(table().requeue(from.name(), to.name(), 1, 10, &wrong).error() == Errno::kEAGAIN);
  unsigned done = 0;
  while (done < 3) done += *table().requeue(from.name(), to.name(), 0, 10, &right);
  CHECK(done == 3);
  CHECK(table().wake(from.name().key, 10, FutexTable::kAnyBit) == 0);
  CHECK(table().wake(to.name().key, 1, FutexTable::kAnyBit) == 1);
  CHECK(table().wake(to.name().key, 10, FutexTable::kAnyBit) == 2);
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("a wake with an operation") {
  Word first, second;
  second.value = 7;
  // Adds 3 to the second word and would wake its waiters if it was greater than 6.
  const std::uint32_t code = 1u << 28 | 4u << 24 | 3u << 12 | 6;
  CHECK(*table().wake_with_operation(first.name(), second.name(), 1, 1, code) == 0);
  CHECK(second.value == 10);
  // Sets a bit: 1 << 4.
  CHECK(*table().wake_with_operation(first.name(), second.name(), 1, 1, 0xa000'0000 | 4u << 12) ==
        0);
  CHECK(second.value == 26);
  CHECK(table().wake_with_operation(first.name(), second.name(), 1, 1, 0x7000'0000).error() ==
        Errno::kENOSYS);
  CHECK(table().wake_with_operation(first.name(), {8, 8}, 1, 1, code).error() == Errno::kEFAULT);
}

TEST_CASE("locks with owners") {
  const auto exists = [](std::uint32_t task) { return task < 100; };
  Word word;
  const auto lock = [&](std::uint32_t self, bool only_try, Deadline deadline) {
    return table().lock_owned(word.name(), self, only_try, deadline, never, exists);
  };
  REQUIRE(lock(1, false, Deadline::never()));
  CHECK(word.value == 1);
  CHECK(lock(1, false, Deadline::never()).error() == Errno::kEDEADLK);
  CHECK(lock(2, true, Deadline::never()).error() == Errno::kEAGAIN);
  CHECK(lock(2, false, Deadline::after(milliseconds(5))).error() == Errno::kETIMEDOUT);
  CHECK(table().unlock_owned(word.name(), 2).error() == Errno::kEPERM);
  REQUIRE(table().unlock_owned(word.name(), 1));
  CHECK(word.value == 0);
  word.value = 200;
  CHECK(lock(1, false, Deadline::never()).error() == Errno::kESRCH);
  word.value = 0;

  // Hand-over in the order of coming.
  long counter = 0;
  std::vector<std::thread> threads;
  for (std::uint32_t self = 1; self <= 4; ++self) {
    threads.emplace_back([&, self] {
      for (int round = 0; round < 1000; ++round) {
        std::uint32_t seen = 0;
        if (!word.value.compare_exchange_strong(seen, self))
          REQUIRE(lock(self, false, Deadline::never()));
        ++counter;
        seen = self;
        if (!word.value.compare_exchange_strong(seen, 0))
          REQUIRE(table().unlock_owned(word.name(), self));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(counter == 4000);
  CHECK(word.value == 0);
}

TEST_CASE("owners that die") {
  const auto exists = [](std::uint32_t) { return true; };
  Word word;
  word.value = 1;
  table().owner_died(word.name(), 2, false);
  CHECK(word.value == 1);
  table().owner_died(word.name(), 1, false);
  CHECK(word.value == kFutexOwnerDied);
  // The next to lock it learns that.
  REQUIRE(table().lock_owned(word.name(), 3, false, Deadline::never(), never, exists));
  CHECK(word.value == (kFutexOwnerDied | 3));
  std::thread waiter([&] {
    REQUIRE(table().lock_owned(word.name(), 4, false, Deadline::never(), never, exists));
  });
  while ((word.value & kFutexWaiters) == 0) std::this_thread::yield();
  while ((word.value & kFutexOwner) == 3) table().owner_died_everywhere(3);
  waiter.join();
  CHECK(word.value == (kFutexOwnerDied | 4));
}

}  // namespace plumbline::linux_abi
