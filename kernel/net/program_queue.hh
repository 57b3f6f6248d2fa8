// One queue of the programs' network: a queue pair and the stack on it, and who may use them when.
// Kernel only.
#pragma once

#include <array>
#include <atomic>
#include <span>

#include "core/clock.hh"
#include "net/queue_loop.hh"
#include "net/stack_path.hh"
#include "sync/biased_lock.hh"
#include "sync/wait_queue.hh"

namespace plumbline::net {

struct alignas(kCacheLine) ProgramQueue {
  // The queue pair, the interface, the buffers and the stack belong to whoever holds it.
  BiasedLock lock;
  QueueLoop* loop = nullptr;  // null: there is no device
  StackPath* tcp = nullptr;   // null: nobody has asked for TCP yet
  // Where the thread sleeps that runs the timers.
  WaitQueue* timer_wait = nullptr;
  // Until when it sleeps; 0: it is awake, and will look before it sleeps.
  Nanoseconds asleep_until{};
  // An earlier timer was armed since.
  std::atomic<bool> timers_changed{false};

  // Net channels: frames for connections of this stack that other queues received. By the queue
  // that sends; null: none does.
  std::array<FrameChannel*, StackPath::kMostStacks> channels{};
  bool has_channels = false;
  // Its receive thread sleeps, or is about to: who sends on a channel wakes it.
  std::atomic<bool> asleep{false};

  // Whether something waits in a channel. Any CPU.
  bool channel_waiting() const {
    if (!has_channels) [[likely]]
      return false;
    return any_channel_waiting();
  }
  // Something to be received.
  bool has_frames() const { return loop->pair.has_received() || channel_waiting(); }

  // With the lock, after anything was done with the stack: what it wants to send goes out.
  void finish(Nanoseconds now) {
    // Over the loopback two ends of one program talk; what they say is bounded by their buffers.
    while (tcp->finish(now)) {
    }
    if (tcp->stack().soonest_timer() < asleep_until) [[unlikely]]
      hasten();
    if (tcp->has_forwarded()) [[unlikely]]
      wake_readers();
  }
  // With the lock: the thread is about to sleep. Until when at most.
  Deadline fall_asleep() {
    const auto next = tcp == nullptr ? std::optional<Nanoseconds>() : tcp->stack().next_timer();
    const Deadline deadline = next ? Deadline{*next} : Deadline::never();
    asleep_until = deadline.at;
    return deadline;
  }
  void wake_up() {
    asleep_until = {};
    timers_changed.store(false, std::memory_order_relaxed);
  }

 private:
  void hasten();
  bool any_channel_waiting() const;
  void wake_readers();
};

// Of the device; none when there is no device, or its network was not started.
std::span<ProgramQueue> device_queues();

}  // namespace plumbline::net
