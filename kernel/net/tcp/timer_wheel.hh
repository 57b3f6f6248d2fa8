// Timers of one domain: a hierarchical timing wheel (Varghese and Lauck, "Hashed and Hierarchical
// Timing Wheels", SOSP 1987, scheme 7).
//
// Arming, cancelling and expiring are O(1), and nothing is allocated. What happens depends on the
// calls alone, not on a clock, so that a simulation repeats.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/intrusive_list.hh"
#include "core/units.hh"

namespace plumbline::net::tcp {

class TimerWheel;

// Whose timers a domain has.
enum class TimerKind : uint8_t { kConnection, kHalfOpen, kTimeWait, kStack };
inline constexpr unsigned kTimerKinds = 4;

// A timer, part of the object that it is for; find the object by member_owner(). Must not be
// destroyed while armed.
class Timer {
 public:
  // `kind`: which of the wheel's handlers is called.
  explicit constexpr Timer(TimerKind kind) : kind_(kind) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  bool armed() const { return hook_.linked(); }
  // When it is to expire; armed().
  Nanoseconds deadline() const { return deadline_; }

 private:
  friend class TimerWheel;

  ListHook hook_;
  Nanoseconds deadline_;
  uint16_t slot_ = 0;  // where it is linked: level * kSlots + index
  TimerKind kind_;
};
static_assert(sizeof(Timer) == 32);

class TimerWheel {
 public:
  // A timer expires up to one tick late, never early. 65.5 microseconds: RACK's reordering window
  // is a quarter of a round trip (RFC 8985, section 6.2), and round trips here start at some 50.
  static constexpr unsigned kTickBits = 16;

  // Called for a timer whose time has come; it is not armed any more, and may be armed again or
  // destroyed, as may any other timer be.
  using Handler = void (*)(void* context, Timer& timer, Nanoseconds now);

  explicit TimerWheel(Nanoseconds now) : current_(now.count >> kTickBits) {}
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // What is called for timers of a kind; once, before any is armed.
  void set_handler(TimerKind kind, Handler handler, void* context) {
    handlers_[static_cast<unsigned>(kind)] = {handler, context};
  }

  // Makes `timer` expire at `at`, whether it is armed or not. A time that has passed is the next
  // tick. Moving a deadline away only notes it: the timer is looked at when the earlier time comes,
  // so that what is put off with every segment costs a store.
  void arm(Timer& timer, Nanoseconds at) {
    if (timer.armed() && at >= timer.deadline_) {
      timer.deadline_ = at;
      return;
    }
    rearm(timer, at);
  }
  void cancel(Timer& timer) {
    if (timer.armed()) unlink(timer);
  }

  // Expires what is due at `now`, which never goes back, in the order of their ticks. Handles at
  // most `limit` timers, so that a hundred thousand that fall due at once do not stop their queue;
  // true when there is more to do, by another call with the same or a later time.
  bool run(Nanoseconds now, unsigned limit = kDefaultLimit);
  static constexpr unsigned kDefaultLimit = 256;

  // When run() should be called next, at the latest; nothing when no timer is armed. May be earlier
  // than the first deadline: after a deadline was moved away, and for times so far away that the
  // wheel has not sorted them yet.
  std::optional<Nanoseconds> next();
  // A time before which run() has nothing to do, for who asks at each occasion: one load. next()
  // may know a later one.
  Nanoseconds soonest() const { return soonest_; }

  bool empty() const { return count_ == 0; }
  // Timers armed.
  uint32_t size() const { return count_; }

 private:
  static constexpr unsigned kLevelBits = 6;
  static constexpr unsigned kSlots = 1U << kLevelBits;
  // 64^5 ticks are 19.5 hours. What is further away waits in the last level and is put back there.
  static constexpr unsigned kLevels = 5;
  static constexpr unsigned kRangeBits = kLevels * kLevelBits;
  // Timers of the first slot that next() looks at for their exact deadlines.
  static constexpr unsigned kLookedAt = 8;
  static constexpr Nanoseconds kNobody{UINT64_MAX};

  using List = IntrusiveList<Timer, &Timer::hook_>;

  // The first tick at which a deadline has passed.
  static uint64_t tick_of(Nanoseconds at) {
    return (at.count + (uint64_t{1} << kTickBits) - 1) >> kTickBits;
  }
  static Nanoseconds time_of(uint64_t tick) { return {tick << kTickBits}; }

  std::optional<Nanoseconds> find_next();
  void rearm(Timer& timer, Nanoseconds at);
  void link(Timer& timer);
  void unlink(Timer& timer);
  // The first tick after current_ at which a slot of `level` has its turn, of those in `used`.
  std::optional<uint64_t> next_turn(unsigned level, uint64_t used) const;
  std::optional<uint64_t> next_tick() const;
  // Does what is left to do at current_; false when `limit` ran out.
  bool run_tick(Nanoseconds now, unsigned& limit);

  uint64_t current_;  // all earlier ticks are done, and so is this one unless unfinished_
  Nanoseconds soonest_ = kNobody;
  bool unfinished_ = false;
  uint32_t count_ = 0;
  std::array<uint64_t, kLevels> used_{};  // a bit a slot: something is linked there
  struct Target {
    Handler handler = nullptr;
    void* context = nullptr;
  };
  std::array<Target, kTimerKinds> handlers_{};
  std::array<std::array<List, kSlots>, kLevels> slots_;
};

}  // namespace plumbline::net::tcp
