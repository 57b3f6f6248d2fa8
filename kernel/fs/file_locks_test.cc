#include "fs/file_locks.hh"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <random>
#include <thread>

namespace plumbline {
namespace {

constexpr auto kRecord = FileLocks::Kind::kRecord;

FileLock lock(std::uint32_t process, std::uint64_t begin, std::uint64_t end, LockType type) {
  return {LockOwner::of_process(process), begin, end, type};
}

}  // namespace

TEST_CASE("random locks agree with a byte for each owner") {
  FileLocks locks;
  // By owner and byte.
  std::array<std::array<LockType, 40>, 3> model;
  for (auto& bytes : model) bytes.fill(LockType::kUnlock);
  std::mt19937 random(4);
  for (int step = 0; step < 20'000; ++step) {
    const auto owner = static_cast<std::uint32_t>(random() % 3);
    const std::uint64_t begin = random() % 39, end = begin + 1 + random() % (40 - begin - 1 + 1);
    const auto type = static_cast<LockType>(random() % 3);
    bool conflict = false;
    for (std::uint32_t other = 0; other < 3; ++other) {
      for (std::uint64_t at = begin; at < end && other != owner; ++at) {
        const LockType held = model[other][at];
        conflict |= type != LockType::kUnlock && held != LockType::kUnlock &&
                    (type == LockType::kExclusive || held == LockType::kExclusive);
      }
    }
    const FileLock wanted = lock(owner, begin, end, type);
    if (type != LockType::kUnlock)
      CHECK((locks.find_conflict(kRecord, wanted).type != LockType::kUnlock) == conflict);
    CHECK(locks.set(kRecord, wanted, false).error() == (conflict ? Errno::kEAGAIN : Errno::kNone));
    if (!conflict) {
      for (std::uint64_t at = begin; at < end; ++at) model[owner][at] = type;
    }
  }
  locks.drop(kRecord, LockOwner::of_process(0));
  locks.drop(kRecord, LockOwner::of_process(1));
  locks.drop(kRecord, LockOwner::of_process(2));
  CHECK(locks.find_conflict(kRecord, lock(9, 0, kLockEnd, LockType::kExclusive)).type ==
        LockType::kUnlock);
}

TEST_CASE("a waiter gets the lock when it is given up") {
  FileLocks locks;
  REQUIRE(locks.set(kRecord, lock(1, 0, 10, LockType::kExclusive), false));
  std::atomic<bool> got{false};
  std::thread waiter([&] {
    CHECK(locks.set(kRecord, lock(2, 5, 6, LockType::kShared), true));
    got = true;
  });
  CHECK_FALSE(got);
  REQUIRE(locks.set(kRecord, lock(1, 0, 10, LockType::kUnlock), false));
  waiter.join();
  CHECK(got);
}

TEST_CASE("a circle is found while the other side waits") {
  FileLocks first, second;
  REQUIRE(first.set(kRecord, lock(1, 0, 1, LockType::kExclusive), false));
  REQUIRE(second.set(kRecord, lock(2, 0, 1, LockType::kExclusive), false));
  std::thread other([&] { CHECK(second.set(kRecord, lock(1, 0, 1, LockType::kExclusive), true)); });
  // Whichever of the two comes second is told; a pause makes it this one.
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  CHECK(first.set(kRecord, lock(2, 0, 1, LockType::kExclusive), true).error() == Errno::kEDEADLK);
  second.drop(kRecord, LockOwner::of_process(2));
  other.join();
}

}  // namespace plumbline
