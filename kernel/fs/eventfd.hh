// Event counters: eventfd(2).
#pragma once

#include <atomic>
#include <cstdint>

#include "fs/anonymous_file.hh"
#include "fs/poll.hh"
#include "sync/wait_queue.hh"

namespace plumbline {

class EventCounter final : public AnonymousFile {
 public:
  // `semaphore`: a read takes one instead of all.
  EventCounter(std::uint64_t initial, bool semaphore, std::uint32_t flags)
      : AnonymousFile("[eventfd]", kOpenReadWrite | flags),
        count_(initial),
        semaphore_(semaphore) {}

  Result<std::size_t> read(IoCursor& to, std::uint64_t offset) override;
  Result<std::size_t> write(IoCursor& from, std::uint64_t& offset) override;
  PollEvents poll() override;
  PollSource* poll_source() override { return &source_; }
  const void* kind() const override { return &kKind; }

  std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  static const char kKind;

 private:
  // The highest value that write(2) may reach.
  static constexpr std::uint64_t kMost = ~std::uint64_t{0} - 1;

  // Takes what a read gets: 0 when there is nothing.
  std::uint64_t take();
  bool add(std::uint64_t value);

  std::atomic<std::uint64_t> count_;
  const bool semaphore_;
  WaitQueue read_wait_, write_wait_;
  PollSource source_;
};

}  // namespace plumbline
