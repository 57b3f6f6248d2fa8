// Virtual time: what is to happen, in order. Nothing here reads a clock, so a simulation of minutes
// takes as long as its packets take to compute, and runs the same every time.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/units.hh"

namespace plumbline::net::simulator {

class EventQueue {
 public:
  using Action = std::function<void()>;

  Nanoseconds now() const { return now_; }
  // Runs `action` at `time`, which must not be in the past; actions of the same time run in the
  // order in which they were given.
  void at(Nanoseconds time, Action action);
  void after(Nanoseconds delay, Action action) { at(now_ + delay, std::move(action)); }

  // Runs the next action, if there is one not later than `limit`; otherwise the time becomes
  // `limit` and the answer is false.
  bool run_one(Nanoseconds limit);
  bool empty() const { return heap_.empty(); }
  // Actions run so far.
  uint64_t executed() const { return executed_; }

 private:
  struct Event {
    Nanoseconds time;
    uint64_t order;
    Action action;
  };
  // The heap's comparison: true when `a` comes after `b`.
  static bool later(const Event& a, const Event& b) {
    return a.time != b.time ? a.time > b.time : a.order > b.order;
  }

  std::vector<Event> heap_;
  Nanoseconds now_;
  uint64_t order_ = 0;
  uint64_t executed_ = 0;
};

}  // namespace plumbline::net::simulator
