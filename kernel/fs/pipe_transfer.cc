// Pipes as stations of splice(2) and tee(2), and their size.
#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "fs/pipe.hh"
#include "sync/lock_guard.hh"

namespace plumbline {

std::size_t Pipe::available() {
  const LockGuard guard(lock_);
  std::size_t sum = 0;
  for (unsigned i = 0; i < used_.load(std::memory_order_relaxed); ++i) sum += slot(i).length;
  return sum;
}

std::size_t Pipe::capacity() { return slots_count_.load(std::memory_order_relaxed) * kPageSize; }

Result<std::size_t> Pipe::set_capacity(std::size_t bytes) {
  if (bytes > std::size_t{1} << 31) return Errno::kEINVAL;
  if (bytes > kMostBytes) return Errno::kEPERM;
  const unsigned slots = std::bit_ceil(
      static_cast<unsigned>(std::max<std::size_t>((bytes + kPageSize - 1) / kPageSize, 1)));
  auto* fresh = new (std::nothrow) Slot[slots];
  if (fresh == nullptr) return Errno::kENOMEM;
  Slot* old;
  bool was_full;
  {
    const LockGuard guard(lock_);
    const unsigned used = used_.load(std::memory_order_relaxed);
    if (used > slots) {
      delete[] fresh;
      return Errno::kEBUSY;
    }
    was_full = full();
    for (unsigned i = 0; i < used; ++i) fresh[i] = slot(i);
    old = std::exchange(slots_, fresh);
    first_ = 0;
    ring_size_ = slots;
    slots_count_.store(slots, std::memory_order_relaxed);
    was_full = was_full && !full();
  }
  delete[] old;
  if (was_full) tell_writers();
  return slots * kPageSize;
}

Result<std::size_t> Pipe::transfer(Pipe& to, std::size_t length, bool keep) {
  std::size_t total = 0;
  Errno error = Errno::kNone;
  bool was_full, over, more;
  {
    // By address, so that two transfers the other way round do not wait for each other.
    const LockGuard first(this < &to ? lock_ : to.lock_);
    const LockGuard second(this < &to ? to.lock_ : lock_);
    was_full = full();
    over = empty() && writers_.load(std::memory_order_relaxed) == 0;
    if (to.readers_.load(std::memory_order_relaxed) == 0) error = Errno::kEPIPE;
    unsigned index = 0;
    while (error == Errno::kNone && total < length &&
           index < used_.load(std::memory_order_relaxed) && !to.full()) {
      Slot& from = slot(index);
      const std::size_t part = std::min<std::size_t>(from.length, length - total);
      if (!keep && part == from.length) {
        // The whole page changes hands.
        to.slot(to.used_.load(std::memory_order_relaxed)) = from;
        to.set_used(to.used_.load(std::memory_order_relaxed) + 1);
        drop_first();
      } else {
        std::byte* page = to.take_page();
        if (page == nullptr) {
          if (total == 0) error = Errno::kENOMEM;
          break;
        }
        std::memcpy(page, from.page + from.offset, part);
        to.push(page, part, from.packet);
        if (keep) {
          ++index;
        } else {
          from.offset = static_cast<std::uint16_t>(from.offset + part);
          from.length = static_cast<std::uint16_t>(from.length - part);
        }
      }
      total += part;
    }
    was_full = was_full && !full();
    more = !empty();
  }
  // The wake-up that brought the caller here goes on while something is left.
  if (more) wake_first(read_waiters_);
  if (total != 0) to.tell_readers();
  if (was_full) tell_writers();
  if (error == Errno::kEPIPE && on_broken_pipe != nullptr) on_broken_pipe();
  if (error != Errno::kNone) return error;
  if (total == 0 && !over) return Errno::kEAGAIN;
  return total;
}

Result<std::size_t> Pipe::consume(std::size_t length, Take take, void* context) {
  std::size_t total = 0;
  Errno error = Errno::kNone;
  bool was_full, over, more;
  {
    const LockGuard guard(lock_);
    was_full = full();
    over = empty() && writers_.load(std::memory_order_relaxed) == 0;
    while (total < length && !empty()) {
      Slot& from = slots_[first_];
      const std::size_t part = std::min<std::size_t>(from.length, length - total);
      const Result<std::size_t> taken = take(context, {from.page + from.offset, part});
      if (!taken) {
        error = taken.error();
        break;
      }
      from.offset = static_cast<std::uint16_t>(from.offset + *taken);
      from.length = static_cast<std::uint16_t>(from.length - *taken);
      total += *taken;
      if (from.length == 0) pop_first();
      if (*taken != part) break;
    }
    was_full = was_full && !full();
    more = !empty();
  }
  if (was_full) tell_writers();
  if (more) wake_first(read_waiters_);
  if (total != 0 || (over && error == Errno::kNone)) return total;
  return error != Errno::kNone ? error : Errno::kEAGAIN;
}

Result<std::size_t> Pipe::produce(std::size_t length, Give give, void* context) {
  std::size_t total = 0;
  Errno error = Errno::kNone;
  bool room;
  {
    const LockGuard guard(lock_);
    if (readers_.load(std::memory_order_relaxed) == 0) error = Errno::kEPIPE;
    if (error == Errno::kNone && full()) error = Errno::kEAGAIN;
    while (error == Errno::kNone && total < length && !full()) {
      std::byte* page = take_page();
      if (page == nullptr) {
        error = Errno::kENOMEM;
        break;
      }
      const std::size_t part = std::min(kPageSize, length - total);
      const Result<std::size_t> given = give(context, {page, part});
      const std::size_t count = given ? *given : 0;
      if (count == 0) {
        give_page(page);
      } else {
        push(page, count, false);
      }
      if (!given) error = given.error();
      total += count;
      if (count != part) break;
    }
    room = !full();
  }
  if (room) wake_first(write_waiters_);
  if (total != 0) tell_readers();
  if (error == Errno::kEPIPE && on_broken_pipe != nullptr) on_broken_pipe();
  if (total != 0 || error == Errno::kNone) return total;
  return error;
}

}  // namespace plumbline
