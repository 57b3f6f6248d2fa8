// Pipes and FIFOs (pipe(7)).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "core/reference.hh"
#include "core/result.hh"
#include "fs/file.hh"
#include "fs/poll.hh"
#include "sync/mutex.hh"
#include "sync/sleeper.hh"
#include "sync/spinlock.hh"
#include "sync/wait_queue.hh"

namespace plumbline {

// Called in the thread of a program that wrote to a pipe or socket which nobody will read: sends
// SIGPIPE. Null: nobody listens. Set once, at boot.
extern void (*on_broken_pipe)();

// What lies between the ends: a ring of pages. A page holds what was written at once, and small
// writes share the last one while they fit; so up to kAtomicWrite bytes are never split, and the
// pipe is full when all pages are in use, as on Linux.
class Pipe final : public ReferenceCounted {
 public:
  static constexpr std::size_t kAtomicWrite = 4096;  // PIPE_BUF
  static constexpr unsigned kDefaultPages = 16;
  // Linux: /proc/sys/fs/pipe-max-size.
  static constexpr std::size_t kMostBytes = 1 << 20;

  // kENOMEM.
  static Result<Ref<Pipe>> create();

  // The ends' reads and writes, File::read's and File::write's rules. A packet write (O_DIRECT) is
  // read alone.
  Result<std::size_t> read(IoCursor& to, bool nonblocking);
  Result<std::size_t> write(IoCursor& from, bool nonblocking, bool packets);
  // The commonest of these, to and from one place in the program's memory for which is_small_read()
  // or is_small_write() is true: all of the only message, which goes into an empty pipe. In line,
  // for read(2) and write(2): a pipe is mostly a bell between threads. 0: it is not that, or comes
  // to an error; read() or write() will tell.
  std::size_t read_small(std::uint64_t to, std::size_t length, bool nonblocking);
  std::size_t write_small(std::uint64_t from, std::size_t length);
  static constexpr bool is_small_read(std::uint64_t to, std::size_t length) {
    return length - 1 < kMostBytes && to <= kApplicationEnd - length;
  }
  static constexpr bool is_small_write(std::uint64_t from, std::size_t length) {
    return length - 1 < kPageSize && from <= kApplicationEnd - length;
  }
  // splice(2) and tee(2): moves up to `length` bytes to another pipe, or copies them with `keep`.
  // Does not wait: kEAGAIN when one is empty or the other full; 0 when nothing will come any more.
  Result<std::size_t> transfer(Pipe& to, std::size_t length, bool keep);
  // Gives up to `length` bytes to `take`, which returns how many it has used, page by page until
  // it takes less than all. The pipe is locked meanwhile. kEAGAIN: empty; 0 at the end.
  using Take = Result<std::size_t> (*)(void* context, std::span<const std::byte> bytes);
  Result<std::size_t> consume(std::size_t length, Take take, void* context);
  // Lets `give` fill up to `length` bytes, page by page until it gives less than asked for.
  // kEAGAIN: full; kEPIPE (and the signal).
  using Give = Result<std::size_t> (*)(void* context, std::span<std::byte> bytes);
  Result<std::size_t> produce(std::size_t length, Give give, void* context);
  // Waits until there is something to read, or no writer (readable), or room, or no reader
  // (writable). kRestart; kEAGAIN when `nonblocking`.
  Status wait_readable(bool nonblocking);
  Status wait_writable(bool nonblocking);

  // Bytes to read now, for FIONREAD.
  std::size_t available();
  // F_GETPIPE_SZ and F_SETPIPE_SZ, in bytes. Returns the new capacity. kEBUSY: more is in it than
  // would fit; kEINVAL; kENOMEM.
  std::size_t capacity();
  Result<std::size_t> set_capacity(std::size_t bytes);

  // Counts an end in or out; an end may be both.
  void open_end(bool reader, bool writer);
  void close_end(bool reader, bool writer);
  // open(2) of a FIFO: counts the end in and waits for the other, as the flags say. kENXIO: a
  // nonblocking writer without a reader; kRestart. `seen` receives what poll() wants to know.
  Status open_fifo(std::uint32_t flags, std::uint32_t& seen);

  // `seen`: writers counted when the end was opened; a reader that has met none yet sees no hangup.
  PollEvents poll(bool reader, bool writer, std::uint32_t seen) const;
  PollSource& read_source() { return read_source_; }
  PollSource& write_source() { return write_source_; }
  std::uint64_t inode() const { return inode_; }

 private:
  struct Slot {
    std::byte* page;
    std::uint16_t offset, length;
    bool packet;
  };

  Pipe();
  ~Pipe() override;

  bool empty() const { return used_.load(std::memory_order_relaxed) == 0; }
  bool full() const {
    return used_.load(std::memory_order_relaxed) >= slots_count_.load(std::memory_order_relaxed);
  }
  // A read, or a write, need not wait, at this moment. In one order with Waiters::add.
  bool readable_now() const {
    return used_.load(std::memory_order_seq_cst) != 0 ||
           writers_.load(std::memory_order_seq_cst) == 0;
  }
  bool writable_now() const {
    return used_.load(std::memory_order_seq_cst) < slots_count_.load(std::memory_order_seq_cst) ||
           readers_.load(std::memory_order_seq_cst) == 0;
  }
  Slot& slot(unsigned index) { return slots_[(first_ + index) & (ring_size_ - 1)]; }
  // With the lock. A page for a new slot at the end, or null.
  std::byte* take_page();
  void give_page(std::byte* page);
  void push(std::byte* page, std::size_t length, bool packet);
  // Takes the first slot out, without its page or with it.
  void drop_first();
  void pop_first();
  // The number of slots in use, in one order with the observers' counts: who begins to watch sees
  // this, or is seen by who tells of it afterwards.
  void set_used(unsigned used) { used_.store(used, std::memory_order_seq_cst); }
  // Copies what fits now. False: stop, as `error` says.
  bool fill(IoCursor& from, bool packets, std::size_t& total, Errno& error);
  bool merge(IoCursor& from, std::size_t part, std::size_t& total, Errno& error);
  bool append(IoCursor& from, bool packet, std::size_t& total, Errno& error);
  bool read_slots(IoCursor& to, std::size_t& total);
  void drain(IoCursor& to, std::size_t& total);
  // A thread that waits; on its stack.
  struct Waiter {
    Sleeper sleeper;
    std::atomic<Waiter*> next{nullptr};
    // The last that a waker touches of it.
    std::atomic<bool> woken{false};
  };
  // In the order of their coming, under wait_lock_. Nearly always there is one, so taking one out
  // of the middle may take a while.
  class Waiters {
   public:
    constexpr Waiters() = default;
    Waiters(const Waiters&) = delete;
    Waiters& operator=(const Waiters&) = delete;
    // Right without the lock, too, after a full fence.
    bool empty() const { return first_.load(std::memory_order_seq_cst) == nullptr; }
    // A full fence.
    void add(Waiter& waiter) {
      last_->store(&waiter, std::memory_order_seq_cst);
      last_ = &waiter.next;
    }
    // If it is there.
    void remove(Waiter& waiter);
    Waiter* take_first() {
      Waiter* const waiter = first_.load(std::memory_order_relaxed);
      if (waiter == nullptr) return nullptr;
      Waiter* const next = waiter->next.load(std::memory_order_relaxed);
      first_.store(next, std::memory_order_relaxed);
      if (next == nullptr) last_ = &first_;
      return waiter;
    }

   private:
    std::atomic<Waiter*> first_{nullptr};
    std::atomic<Waiter*>* last_ = &first_;
  };
  // Sleeps once unless `ready` says that there is no need. kRestart: a signal came. Without the
  // lock.
  using Ready = bool (Pipe::*)() const;
  template <Ready kReady>
  [[gnu::always_inline]] inline Status sleep(Waiters& waiters);
  // Takes the waiter out; with wait_lock_, which it releases.
  void withdraw(Waiters& waiters, Waiter& waiter);
  // Without the lock, after a full fence since what was waited for was stored: either the waiter
  // sees that, or it is seen here. (On this architecture the exchange of an unlocking is one.)
  void wake_first(Waiters& waiters) {
    if (!waiters.empty()) wake_one(waiters);
  }
  [[gnu::always_inline]] inline bool wake_one(Waiters& waiters) {
    wait_lock_.lock_unmasked();
    Waiter* const waiter = waiters.take_first();
    if (waiter != nullptr) [[likely]] {
      waiter->sleeper.wake_masked();
      // Release, and last: who sees it may be gone the next moment.
      waiter->woken.store(true, std::memory_order_release);
    }
    wait_lock_.unlock_unmasked();
    return waiter != nullptr;
  }
  void wake_all(Waiters& waiters);
  // Wake one and tell the observers; like wake_first.
  void tell_readers() {
    wake_first(read_waiters_);
    read_source_.notify_after(kPollIn | kPollReadNormal);
  }
  void tell_writers();

  Mutex lock_;
  Slot* slots_ = nullptr;
  unsigned ring_size_ = 0;  // a power of two
  unsigned first_ = 0;      // 0 when the pipe is empty
  // Written under the lock, read by waiters and poll() without.
  std::atomic<unsigned> used_{0}, slots_count_{kDefaultPages};
  std::atomic<unsigned> readers_{0}, writers_{0};
  // How many ends have ever been opened, for FIFOs.
  std::atomic<std::uint32_t> readers_ever_{0}, writers_ever_{0};
  std::atomic<unsigned> both_{0};  // ends that read and write
  // One page kept for the next slot while there are readers: a pipe in use as a bell allocates
  // nothing.
  std::byte* spare_ = nullptr;
  const std::uint64_t inode_;
  Spinlock wait_lock_;
  Waiters read_waiters_, write_waiters_;
  WaitQueue open_wait_;
  PollSource read_source_, write_source_;
};

// An end of a pipe. A file system derives its FIFOs' ends from this, with the node's attributes.
class PipeEnd : public File {
 public:
  // Takes over an end that has been counted in (Pipe::open_end, open_fifo).
  PipeEnd(Ref<Pipe> end_of, std::uint32_t flags, std::uint32_t seen = ~std::uint32_t{0})
      : File(flags, end_of.get()), pipe_(std::move(end_of)), seen_(seen) {}

  Result<std::size_t> read(IoCursor& to, std::uint64_t offset) override;
  Result<std::size_t> write(IoCursor& from, std::uint64_t& offset) override;
  Result<long> ioctl(std::uint32_t request, std::uint64_t argument) override;
  Status stat(Attributes& attributes) override;
  PollEvents poll() override { return pipe_->poll(readable(), writable(), seen_); }
  PollSource* poll_source() override {
    return readable() ? &pipe_->read_source() : &pipe_->write_source();
  }
  std::size_t describe(std::span<char> text) override;

 protected:
  ~PipeEnd() override { pipe_->close_end(readable(), writable()); }

 private:
  const Ref<Pipe> pipe_;
  const std::uint32_t seen_;
};

struct PipeEnds {
  Ref<File> reader, writer;
};
// pipe2(2): `flags` may hold nonblocking and direct (packets). kENOMEM.
Result<PipeEnds> create_pipe(std::uint32_t flags);

}  // namespace plumbline
