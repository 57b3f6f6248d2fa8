// A group of threads that run one function and are joined together.
#pragma once

#include <array>

#include "core/assert.hh"
#include "core/per_cpu.hh"
#include "core/units.hh"
#include "sched/thread.hh"

namespace plumbline {

// Starts `count` threads, round-robin over the CPUs, that call `work(number)`; the destructor joins
// them.
template <typename Work>
class Crew {
 public:
  static constexpr unsigned kMost = 32;

  Crew(unsigned count, Work work) : work_(work), count_(count) {
    ASSERT(count <= kMost);
    for (unsigned i = 0; i < count; ++i) {
      members_[i] = {this, i, nullptr};
      members_[i].thread =
          spawn({.name = "crew", .cpu = static_cast<int>(i % cpu_count())}, run, &members_[i]);
      ASSERT(members_[i].thread != nullptr);
    }
  }
  ~Crew() {
    for (unsigned i = 0; i < count_; ++i) join(members_[i].thread);
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

 private:
  struct Member {
    Crew* crew;
    unsigned number;
    Thread* thread;
  };
  static void run(void* argument) {
    auto* member = static_cast<Member*>(argument);
    member->crew->work_(member->number);
  }

  Work work_;
  unsigned count_;
  std::array<Member, kMost> members_{};
};

// How long a stress test may go on: more CPUs than the host has cores make every hand-over wait for
// the host's scheduler.
inline constexpr Nanoseconds kStressTime = seconds(1);

// A small deterministic generator (xorshift64*, Vigna 2016).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2654435769 + 1) {}
  std::uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1d;
  }
  std::uint64_t below(std::uint64_t bound) { return (next() >> 11) % bound; }

 private:
  std::uint64_t state_;
};

}  // namespace plumbline
