// TCP for programs: a stack on each queue of the device, or one on nothing but a loopback.
#include <new>

#include "core/per_cpu.hh"
#include "memory/pages.hh"
#include "net/program_network.hh"
#include "net/program_queue.hh"
#include "net/queue_stack.hh"
#include "sched/thread.hh"
#include "sync/lock_guard.hh"

namespace plumbline::net {

namespace {

// Without a device: as many packet buffers as keep a few connections busy.
constexpr size_t kOwnBuffers = 1024;

constinit std::span<ProgramQueue> stacks;
// Without a device.
constinit ProgramQueue* alone = nullptr;

// The thread of a stack without a device.
[[noreturn]] void run_timers(ProgramQueue& queue) {
  for (;;) {
    Deadline deadline;
    {
      const LockGuard guard(queue.lock);
      const Nanoseconds now = monotonic_now();
      queue.tcp->run_timers(now);
      queue.finish(now);
      deadline = queue.fall_asleep();
    }
    queue.timer_wait->wait_until(
        [&] { return queue.timers_changed.load(std::memory_order_acquire); }, deadline);
    const LockGuard guard(queue.lock);
    queue.wake_up();
  }
}

Status start_alone(const tcp::SipHashKey& secret) {
  const PageBlock buffers = allocate_pages(page_order_for(BufferPool::bytes_needed(kOwnBuffers)));
  auto* const pool = new (std::nothrow) BufferPool();
  auto* const wait = new (std::nothrow) WaitQueue();
  alone = new (std::nothrow) ProgramQueue();
  if (!buffers || pool == nullptr || wait == nullptr || alone == nullptr) return Errno::kENOMEM;
  pool->init({static_cast<std::byte*>(buffers.data), buffers.size()}, buffers.physical().value);
  alone->timer_wait = wait;
  alone->tcp = make_lone_stack(*pool, secret);
  if (alone->tcp == nullptr) return Errno::kENOMEM;
  const ThreadOptions options{.name = "net-timers", .cpu = 0};
  if (spawn(
          options, [](void* queue) { run_timers(*static_cast<ProgramQueue*>(queue)); }, alone) ==
      nullptr)
    return Errno::kENOMEM;
  stacks = {alone, 1};
  return {};
}

}  // namespace

void ProgramQueue::hasten() {
  const auto timer = tcp->stack().next_timer();
  if (!timer || *timer >= asleep_until) return;
  asleep_until = *timer;
  timers_changed.store(true, std::memory_order_release);
  timer_wait->wake_one();
}

Status start_program_tcp() {
  const tcp::SipHashKey secret = draw_stack_secret();
  const std::span<ProgramQueue> queues = device_queues();
  if (queues.empty()) return start_alone(secret);
  for (ProgramQueue& queue : queues) {
    StackPath* const path =
        make_queue_stack(*queue.loop, static_cast<unsigned>(queues.size()), secret);
    if (path == nullptr) return Errno::kENOMEM;
    const LockGuard guard(queue.lock);
    queue.timer_wait = &queue.loop->wait;
    queue.tcp = path;
  }
  stacks = queues;
  return {};
}

unsigned program_stack_count() { return static_cast<unsigned>(stacks.size()); }

unsigned local_program_stack() { return static_cast<unsigned>(this_cpu().index % stacks.size()); }

StackHold::StackHold(unsigned stack) : queue_(stacks[stack]) {
  queue_.lock.lock();
  now_ = monotonic_now();
}

StackHold::~StackHold() {
  queue_.finish(now_);
  queue_.lock.unlock();
}

tcp::Stack& StackHold::stack() { return queue_.tcp->stack(); }

}  // namespace plumbline::net
