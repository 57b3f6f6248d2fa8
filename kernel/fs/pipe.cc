#include "fs/pipe.hh"

#include <algorithm>
#include <cstring>
#include <new>

#include "fs/attributes.hh"
#include "fs/pipe_small.hh"
#include "memory/pages.hh"
#include "sync/interruptible_wait.hh"
#include "sync/lock_guard.hh"

namespace plumbline {

void (*on_broken_pipe)() = nullptr;

Pipe::Pipe() : inode_(next_anonymous_inode()) {}

Pipe::~Pipe() {
  while (!empty()) pop_first();
  if (spare_ != nullptr) free_pages({spare_, 0});
  delete[] slots_;
}

Result<Ref<Pipe>> Pipe::create() {
  auto pipe = Ref<Pipe>::adopt(new (std::nothrow) Pipe);
  if (!pipe) return Errno::kENOMEM;
  pipe->slots_ = new (std::nothrow) Slot[kDefaultPages];
  if (pipe->slots_ == nullptr) return Errno::kENOMEM;
  pipe->ring_size_ = kDefaultPages;
  return pipe;
}

std::byte* Pipe::take_page() {
  if (spare_ != nullptr) return std::exchange(spare_, nullptr);
  return static_cast<std::byte*>(allocate_pages(0).data);
}

void Pipe::give_page(std::byte* page) {
  if (spare_ == nullptr && readers_.load(std::memory_order_relaxed) != 0) {
    spare_ = page;
  } else {
    free_pages({page, 0});
  }
}

void Pipe::push(std::byte* page, std::size_t length, bool packet) {
  const unsigned used = used_.load(std::memory_order_relaxed);
  slot(used) = {page, 0, static_cast<std::uint16_t>(length), packet};
  set_used(used + 1);
}

void Pipe::drop_first() {
  const unsigned left = used_.load(std::memory_order_relaxed) - 1;
  first_ = left != 0 ? (first_ + 1) & (ring_size_ - 1) : 0;
  set_used(left);
}

void Pipe::pop_first() {
  give_page(slots_[first_].page);
  drop_first();
}

void Pipe::tell_writers() {
  wake_first(write_waiters_);
  write_source_.notify(kPollOut | kPollWriteNormal);
  // An end that does both has its observers on the readers' side.
  if (both_.load(std::memory_order_relaxed) != 0) read_source_.notify(kPollOut | kPollWriteNormal);
}

// Copies what is there and fits; stops at a bad address.
void Pipe::drain(IoCursor& to, std::size_t& total) {
  while (!empty() && to.remaining() != 0) {
    Slot& from = slots_[first_];
    const std::size_t length = std::min<std::size_t>(from.length, to.remaining());
    const std::size_t copied = to.put({from.page + from.offset, length});
    from.offset = static_cast<std::uint16_t>(from.offset + copied);
    from.length = static_cast<std::uint16_t>(from.length - copied);
    total += copied;
    if (copied != length) return;
    const bool packet = from.packet;
    // What a reader does not take of a packet is lost.
    if (from.length == 0 || packet) pop_first();
    if (packet) return;
  }
}

void Pipe::Waiters::remove(Waiter& waiter) {
  std::atomic<Waiter*>* link = &first_;
  for (Waiter* here; (here = link->load(std::memory_order_relaxed)) != &waiter;
       link = &here->next) {
    if (here == nullptr) return;
  }
  link->store(waiter.next.load(std::memory_order_relaxed), std::memory_order_relaxed);
  if (last_ == &waiter.next) last_ = link;
}

void Pipe::withdraw(Waiters& waiters, Waiter& waiter) {
  waiters.remove(waiter);
  wait_lock_.unlock_unmasked();
}

void Pipe::wake_all(Waiters& waiters) {
  while (wake_one(waiters)) {
  }
}

Status Pipe::wait_readable(bool nonblocking) {
  while (!readable_now()) {
    if (nonblocking) return Errno::kEAGAIN;
    if (const Status slept = sleep<&Pipe::readable_now>(read_waiters_); !slept) return slept;
  }
  return {};
}

Status Pipe::wait_writable(bool nonblocking) {
  while (!writable_now()) {
    if (nonblocking) return Errno::kEAGAIN;
    if (const Status slept = sleep<&Pipe::writable_now>(write_waiters_); !slept) return slept;
  }
  return {};
}

Result<std::size_t> Pipe::read(IoCursor& to, bool nonblocking) {
  if (to.remaining() == 0) return std::size_t{0};
  for (;;) {
    if (const Status waited = wait_readable(nonblocking); !waited) return waited.error();
    std::size_t total = 0;
    if (read_slots(to, total)) return total;
    if (to.faulted()) return Errno::kEFAULT;
  }
}

// True when the read is over: bytes came, or none will come any more.
bool Pipe::read_slots(IoCursor& to, std::size_t& total) {
  lock_.lock();
  const bool was_full = full();
  const bool over = empty() && writers_.load(std::memory_order_relaxed) == 0;
  drain(to, total);
  const bool has_room = was_full && !full();
  const bool more = !empty();
  lock_.unlock();
  if (has_room) tell_writers();
  // The wake-up meant for one reader goes on to the next while something is left.
  if (more) wake_first(read_waiters_);
  return total != 0 || over;
}

// Into the last page, which has room for `part` bytes.
bool Pipe::merge(IoCursor& from, std::size_t part, std::size_t& total, Errno& error) {
  Slot& last = slot(used_.load(std::memory_order_relaxed) - 1);
  // What comes before a bad address is lost with the page it was meant for, as on Linux.
  if (from.take({last.page + last.offset + last.length, part}) != part) {
    error = Errno::kEFAULT;
    return false;
  }
  last.length = static_cast<std::uint16_t>(last.length + part);
  total += part;
  return true;
}

// Into a new page; the pipe is not full.
bool Pipe::append(IoCursor& from, bool packet, std::size_t& total, Errno& error) {
  std::byte* page = take_page();
  if (page == nullptr) {
    error = Errno::kENOMEM;
    return false;
  }
  const std::size_t length = std::min(from.remaining(), kPageSize);
  if (from.take({page, length}) != length) {
    give_page(page);
    error = Errno::kEFAULT;
    return false;
  }
  push(page, length, packet);
  total += length;
  return true;
}

bool Pipe::fill(IoCursor& from, bool packets, std::size_t& total, Errno& error) {
  const unsigned used = used_.load(std::memory_order_relaxed);
  // The part of a page that the write does not fill goes to the last page if it fits there; only at
  // its beginning.
  const std::size_t part = from.remaining() & (kPageSize - 1);
  if (used != 0 && total == 0 && !packets && part != 0) {
    const Slot& last = slot(used - 1);
    const std::size_t end = std::size_t{last.offset} + last.length;
    if (!last.packet && end + part <= kPageSize && !merge(from, part, total, error)) return false;
  }
  while (from.remaining() != 0 && !full()) {
    if (!append(from, packets, total, error)) return false;
  }
  return true;
}

Result<std::size_t> Pipe::write(IoCursor& from, bool nonblocking, bool packets) {
  if (from.remaining() == 0) return std::size_t{0};
  std::size_t total = 0;
  for (;;) {
    Errno error = Errno::kNone;
    const std::size_t before = total;
    lock_.lock();
    if (readers_.load(std::memory_order_relaxed) == 0) [[unlikely]] {
      error = Errno::kEPIPE;
    } else {
      fill(from, packets, total, error);
    }
    const bool room = !full();
    lock_.unlock();
    if (total != before) {
      tell_readers();
      // As with readers: a wake-up goes on to the next writer.
      if (room) wake_first(write_waiters_);
      if (from.remaining() == 0) return total;
    }
    if (error == Errno::kEPIPE && on_broken_pipe != nullptr) on_broken_pipe();
    if (error == Errno::kNone) {
      const Status waited = wait_writable(nonblocking);
      if (waited) continue;
      error = waited.error();
    }
    if (total != 0) return total;
    return error;
  }
}

PollEvents Pipe::poll(bool reader, bool writer, std::uint32_t seen) const {
  PollEvents events = 0;
  const unsigned used = used_.load(std::memory_order_seq_cst);
  if (reader) {
    if (used != 0) events |= kPollIn | kPollReadNormal;
    if (writers_.load(std::memory_order_relaxed) == 0 &&
        seen != writers_ever_.load(std::memory_order_relaxed))
      events |= kPollHangup;
  }
  if (writer) {
    if (used < slots_count_.load(std::memory_order_relaxed)) events |= kPollOut | kPollWriteNormal;
    // Unlike other devices, pipes say "error" where no reader is left.
    if (readers_.load(std::memory_order_relaxed) == 0) events |= kPollError;
  }
  return events;
}

void Pipe::open_end(bool reader, bool writer) {
  const LockGuard guard(lock_);
  if (reader) {
    readers_.fetch_add(1, std::memory_order_relaxed);
    readers_ever_.fetch_add(1, std::memory_order_release);
  }
  if (writer) {
    writers_.fetch_add(1, std::memory_order_relaxed);
    writers_ever_.fetch_add(1, std::memory_order_release);
  }
  if (reader && writer) both_.fetch_add(1, std::memory_order_relaxed);
}

void Pipe::close_end(bool reader, bool writer) {
  bool last;
  {
    const LockGuard guard(lock_);
    if (reader) readers_.fetch_sub(1, std::memory_order_relaxed);
    if (writer) writers_.fetch_sub(1, std::memory_order_relaxed);
    if (reader && writer) both_.fetch_sub(1, std::memory_order_relaxed);
    const bool no_reader = readers_.load(std::memory_order_relaxed) == 0;
    const bool no_writer = writers_.load(std::memory_order_relaxed) == 0;
    last = no_reader != no_writer;
    // A FIFO that nobody has open forgets what was written.
    while (no_reader && no_writer && !empty()) pop_first();
    if (no_reader && spare_ != nullptr) free_pages({std::exchange(spare_, nullptr), 0});
  }
  if (!last) return;
  // Whoever is on the other side is alone now.
  wake_all(read_waiters_);
  wake_all(write_waiters_);
  constexpr PollEvents kAll =
      kPollIn | kPollReadNormal | kPollOut | kPollWriteNormal | kPollError | kPollHangup;
  read_source_.notify(kAll);
  write_source_.notify(kAll);
}

Status Pipe::open_fifo(std::uint32_t flags, std::uint32_t& seen) {
  const std::uint32_t access = flags & kOpenAccessMask;
  const bool reader = access != kOpenWriteOnly, writer = access != kOpenReadOnly;
  const bool nonblocking = (flags & kOpenNonblocking) != 0;
  if (!reader && nonblocking && readers_.load(std::memory_order_relaxed) == 0) return Errno::kENXIO;
  open_end(reader, writer);
  open_wait_.wake_all();
  seen = ~std::uint32_t{0};
  if (reader && writer) return {};
  // A partner that has opened and closed again meanwhile counts as one.
  Status met;
  const std::uint32_t writers_before = writers_ever_.load(std::memory_order_acquire);
  const std::uint32_t readers_before = readers_ever_.load(std::memory_order_acquire);
  if (reader && writers_.load(std::memory_order_relaxed) == 0) {
    if (nonblocking) {
      // No hang-up until a writer has come and gone.
      seen = writers_before;
    } else {
      met = wait_interruptibly(open_wait_, [&] {
        return writers_ever_.load(std::memory_order_relaxed) != writers_before;
      });
    }
  } else if (writer && readers_.load(std::memory_order_relaxed) == 0) {
    met = wait_interruptibly(open_wait_, [&] {
      return readers_ever_.load(std::memory_order_relaxed) != readers_before;
    });
  }
  if (!met) close_end(reader, writer);
  return met;
}

}  // namespace plumbline
