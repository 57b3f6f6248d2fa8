#include "net/simulator/event_queue.hh"

#include <algorithm>

#include "core/assert.hh"

namespace plumbline::net::simulator {

void EventQueue::at(Nanoseconds time, Action action) {
  ASSERT_MSG(time >= now_, "an event in the past");
  heap_.push_back({time, order_++, std::move(action)});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

bool EventQueue::run_one(Nanoseconds limit) {
  if (heap_.empty() || heap_.front().time > limit) {
    if (limit > now_) now_ = limit;
    return false;
  }
  std::pop_heap(heap_.begin(), heap_.end(), later);
  const Event event = std::move(heap_.back());
  heap_.pop_back();
  now_ = event.time;
  ++executed_;
  event.action();
  return true;
}

}  // namespace plumbline::net::simulator
