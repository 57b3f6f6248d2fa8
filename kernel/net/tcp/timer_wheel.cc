#include "net/tcp/timer_wheel.hh"

#include <algorithm>
#include <bit>

namespace plumbline::net::tcp {

void TimerWheel::rearm(Timer& timer, Nanoseconds at) {
  if (timer.armed()) unlink(timer);
  timer.deadline_ = at;
  link(timer);
}

void TimerWheel::link(Timer& timer) {
  uint64_t tick = tick_of(timer.deadline_);
  // Never the tick that is being run: a handler that arms its timer for now would run for ever.
  if (tick <= current_) tick = current_ + 1;
  uint64_t distance = tick - current_;
  // Further than the last level reaches: its furthest slot, from where it is linked anew.
  if (distance >> kRangeBits != 0) {
    tick = current_ + (uint64_t{1} << kRangeBits) - 1;
    distance = tick - current_;
  }
  const unsigned level = (std::bit_width(distance) - 1) / kLevelBits;
  const auto index = static_cast<unsigned>(tick >> (level * kLevelBits)) % kSlots;
  timer.slot_ = static_cast<uint16_t>(level * kSlots + index);
  slots_[level][index].push_back(&timer);
  used_[level] |= uint64_t{1} << index;
  ++count_;
  soonest_ = std::min(soonest_, time_of(tick >> (level * kLevelBits) << (level * kLevelBits)));
}

void TimerWheel::unlink(Timer& timer) {
  const unsigned level = timer.slot_ / kSlots;
  const unsigned index = timer.slot_ % kSlots;
  List& list = slots_[level][index];
  list.remove(&timer);
  if (list.empty()) used_[level] &= ~(uint64_t{1} << index);
  --count_;
}

std::optional<uint64_t> TimerWheel::next_turn(unsigned level, uint64_t used) const {
  if (used == 0) return std::nullopt;
  // Slot numbers of this level, in the order in which they have their turn. The one of now has had
  // it, so what is there waits for the next time round.
  const uint64_t turn = current_ >> (level * kLevelBits);
  const auto first = static_cast<int>((turn + 1) % kSlots);
  const auto wait = static_cast<unsigned>(std::countr_zero(std::rotr(used, first)));
  return (turn + 1 + wait) << (level * kLevelBits);
}

std::optional<uint64_t> TimerWheel::next_tick() const {
  std::optional<uint64_t> earliest;
  for (unsigned level = 0; level < kLevels; ++level) {
    const auto turn = next_turn(level, used_[level]);
    if (turn && (!earliest || *turn < *earliest)) earliest = turn;
  }
  return earliest;
}

bool TimerWheel::run_tick(Nanoseconds now, unsigned& limit) {
  // From the top: slots that upper levels have their turn with go to lower ones, by then known to
  // be at least a tick away, or are due now.
  for (unsigned level = kLevels; level-- > 0;) {
    const unsigned shift = level * kLevelBits;
    if ((current_ & ((uint64_t{1} << shift) - 1)) != 0) continue;
    const auto index = static_cast<unsigned>(current_ >> shift) % kSlots;
    List& list = slots_[level][index];
    while (Timer* const timer = list.front()) {
      if (limit == 0) return false;
      --limit;
      unlink(*timer);
      if (tick_of(timer->deadline_) > current_) {
        link(*timer);
      } else {
        const Target& target = handlers_[static_cast<unsigned>(timer->kind_)];
        target.handler(target.context, *timer, now);
      }
    }
  }
  return true;
}

bool TimerWheel::run(Nanoseconds now, unsigned limit) {
  const uint64_t last = now.count >> kTickBits;
  while (true) {
    if (unfinished_) {
      if (!run_tick(now, limit)) {
        soonest_ = time_of(current_);
        return true;
      }
      unfinished_ = false;
    }
    const auto tick = next_tick();
    if (!tick || *tick > last) break;
    current_ = *tick;
    unfinished_ = true;
  }
  if (last > current_) current_ = last;
  next();
  return false;
}

std::optional<Nanoseconds> TimerWheel::next() {
  const auto found = find_next();
  soonest_ = found.value_or(kNobody);
  return found;
}

std::optional<Nanoseconds> TimerWheel::find_next() {
  if (count_ == 0) return std::nullopt;
  if (unfinished_) return time_of(current_);
  const auto tick = next_tick();
  unsigned level = 0;
  while (next_turn(level, used_[level]) != tick) ++level;
  if (level == 0) return time_of(*tick);
  // The slot's turn is when its timers are sorted, up to a slot's length before the first expires.
  // Where they are few, their deadlines spare whoever sleeps until then a wake-up for that alone.
  const auto index = static_cast<unsigned>(*tick >> (level * kLevelBits)) % kSlots;
  List& list = slots_[level][index];
  uint64_t first = UINT64_MAX;
  unsigned seen = 0;
  for (Timer* timer = list.front(); timer != nullptr; timer = list.next(timer)) {
    if (++seen > kLookedAt) return time_of(*tick);
    first = std::min(first, tick_of(timer->deadline_));
  }
  // Other slots may have their turns in between.
  for (unsigned other = 0; other < kLevels; ++other) {
    const uint64_t here = other == level ? uint64_t{1} << index : 0;
    if (const auto turn = next_turn(other, used_[other] & ~here)) first = std::min(first, *turn);
  }
  return time_of(std::max(first, *tick));
}

}  // namespace plumbline::net::tcp
