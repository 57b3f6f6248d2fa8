// TCP for programs: a stack on each queue of the device, or one on nothing but a loopback.
#include <algorithm>
#include <new>

#include "core/per_cpu.hh"
#include "drivers/random/random.hh"
#include "memory/pages.hh"
#include "net/program_network.hh"
#include "net/program_queue.hh"
#include "sched/thread.hh"
#include "sync/lock_guard.hh"

namespace plumbline::net {

namespace {

// Without a device: as many packet buffers as keep a few connections busy.
constexpr size_t kOwnBuffers = 1024;
// Payload of a frame that the device cuts into segments: an IP packet states at most 65,535 bytes,
// of which headers with all options take 120.
constexpr uint32_t kMostSegmented = 65535 - 120;

constinit std::span<ProgramQueue> stacks;
// Without a device.
constinit ProgramQueue* alone = nullptr;

tcp::MemorySource page_source() {
  return {[](void*, size_t bytes) -> void* { return allocate_pages(page_order_for(bytes)).data; },
          [](void*, void* memory, size_t bytes) {
            free_pages({memory, page_order_for(bytes)});
          },
          nullptr};
}

StackPath* make_path(StackPath::Configuration configuration) {
  configuration.memory = page_source();
  configuration.physical = [](const void* memory) { return to_physical(memory).value; };
  // What waits in sockets may take a quarter of the memory, over all queues.
  configuration.most_bytes = page_statistics().free_pages * kPageSize / 4 / configuration.count;
  return new (std::nothrow) StackPath(configuration, monotonic_now());
}

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
  StackPath::Configuration configuration;
  configuration.pool = pool;
  configuration.secret = secret;
  alone->tcp = make_path(configuration);
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

void ProgramQueue::hasten(Nanoseconds timer) {
  asleep_until = timer;
  timers_changed.store(true, std::memory_order_release);
  timer_wait->wake_one();
}

Status start_program_tcp() {
  tcp::SipHashKey secret;
  random_bytes(std::as_writable_bytes(std::span(secret.words)));
  const std::span<ProgramQueue> queues = device_queues();
  if (queues.empty()) return start_alone(secret);
  for (size_t i = 0; i < queues.size(); ++i) {
    ProgramQueue& queue = queues[i];
    QueueLoop& loop = *queue.loop;
    StackPath::Configuration configuration;
    configuration.pool = &loop.pair.pool();
    configuration.secret = secret;
    configuration.number = static_cast<uint16_t>(i);
    configuration.count = static_cast<uint16_t>(queues.size());
    configuration.interface = &loop.interface;
    configuration.out = &loop.out;
    // Devices offer both families or none; one of a single family would need a limit a path.
    const virtio::NetQueueFeatures& features = loop.pair.features();
    if (features.segments_ipv4 && features.segments_ipv6)
      configuration.maximum_payload = kMostSegmented;
    StackPath* const path = make_path(configuration);
    if (path == nullptr) return Errno::kENOMEM;
    const LockGuard guard(queue.lock);
    queue.timer_wait = &loop.wait;
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
