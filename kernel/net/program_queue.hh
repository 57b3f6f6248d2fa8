// One queue of the programs' network: a queue pair and the stack on it, and who may use them when.
// Kernel only.
#pragma once

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

  // With the lock, after anything was done with the stack: what it wants to send goes out.
  void finish(Nanoseconds now) {
    // Over the loopback two ends of one program talk; what they say is bounded by their buffers.
    while (tcp->finish(now)) {
    }
    if (tcp->stack().soonest_timer() < asleep_until) [[unlikely]]
      hasten();
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
};

// Of the device; none when there is no device, or its network was not started.
std::span<ProgramQueue> device_queues();

}  // namespace plumbline::net
