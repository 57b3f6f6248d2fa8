// TCP for programs: a stack on each queue of the device, or one on nothing but a loopback.
#include <bit>
#include <new>

#include "core/boot_options.hh"
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

#if !PLUMBLINE_NET_COPY
BOOT_OPTION(bool, channels_option, "net.channels", true,
            "connections that are used on another CPU than their queue's are handed to that CPU");
#endif

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

// A channel from each queue to each other.
Status connect_stacks(std::span<ProgramQueue> queues) {
  for (ProgramQueue& to : queues) {
    for (size_t from = 0; from < queues.size(); ++from) {
      if (&queues[from] == &to) continue;
      auto* const channel = new (std::nothrow) FrameChannel(queues[from].loop->pair.pool());
      if (channel == nullptr) return Errno::kENOMEM;
      {
        const LockGuard guard(to.lock);
        to.channels[from] = channel;
        to.has_channels = true;
      }
      const LockGuard guard(queues[from].lock);
      const auto number = static_cast<unsigned>(&to - queues.data());
      queues[from].tcp->set_channel(number, *channel);
      queues[from].tcp->stack().set_peer(number, to.tcp->stack());
    }
  }
  return {};
}

}  // namespace

bool ProgramQueue::any_channel_waiting() const {
  for (const FrameChannel* const channel : channels) {
    if (channel != nullptr && !channel->empty()) return true;
  }
  return false;
}

void ProgramQueue::wake_readers() {
  // Against sleep_until_frames().
  std::atomic_thread_fence(std::memory_order_seq_cst);
  for (uint32_t to = tcp->take_forwarded(); to != 0; to &= to - 1) {
    ProgramQueue& reader = stacks[static_cast<size_t>(std::countr_zero(to))];
    if (reader.asleep.load(std::memory_order_relaxed)) reader.loop->wait.wake_one();
  }
}

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
  return queues.size() == 1 ? Status() : connect_stacks(queues);
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

bool StackHold::visits() const { return !queue_.lock.is_home(); }

int StackHold::move_here(tcp::Connection& connection) {
#if PLUMBLINE_NET_COPY
  // The classic layout: protocol work is done where the device delivers.
  (void)connection;
  return -1;
#else
  const unsigned number = local_program_stack();
  ProgramQueue& here = stacks[number];
  if (!channels_option.get() || &here == &queue_ || !here.lock.is_home() ||
      queue_.tcp->is_local(connection.key.remote) || !connection.may_move())
    return -1;
  // Frames for it may be among them, and would find it gone.
  if (queue_.channel_waiting()) return -1;
  // Two that move in opposite directions must not wait for each other.
  if (!here.lock.try_lock_at_home()) return -1;
  const bool moved = here.tcp->stack().move_here(queue_.tcp->stack(), connection, now_);
  if (moved)
    here.loop->interface.adopt_neighbour(queue_.loop->interface, connection.key.remote,
                                         here.loop->out);
  here.finish(now_);
  here.lock.unlock_at_home();
  return moved ? static_cast<int>(number) : -1;
#endif
}

tcp::Stack& StackHold::stack() { return queue_.tcp->stack(); }

}  // namespace plumbline::net
