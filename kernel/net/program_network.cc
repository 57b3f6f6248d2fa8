#include "net/program_network.hh"

#include <algorithm>
#include <array>
#include <atomic>
#include <tuple>

#include "core/clock.hh"
#include "core/idle.hh"
#include "core/log.hh"
#include "core/panic.hh"
#include "core/per_cpu.hh"
#include "drivers/random/random.hh"
#include "net/emit_udp.hh"
#include "net/program_queue.hh"
#include "sched/scheduler.hh"
#include "sched/thread.hh"
#include "sync/lock_guard.hh"

namespace plumbline::net {

namespace {

// Frames handled in one go, with the queue's lock held and interrupts masked: about 5 us.
constexpr size_t kBurst = 32;
// Bursts between two looks at the clock.
constexpr uint32_t kBurstsPerTick = 64;
// Empty polls between two looks at whether somebody else wants the CPU.
constexpr uint64_t kPollsPerLook = 16;

// Neighbours that have answered one queue, when another may be waiting: the device chooses the
// queue of an answer, and knows nothing of who asked.
struct Answers {
  struct Answer {
    IpAddress address;
    MacAddress mac;
  };
  // Written under the queue's lock.
  std::atomic<size_t> count{0};
  // When there are more, the others ask again.
  std::array<Answer, 8> answers;
};

struct Network {
  ProgramService service;
  InterfaceConfiguration configuration;
  unsigned queue_count = 0;
  std::array<ProgramQueue, kMostProgramQueues> queues;
  std::array<Answers, kMostProgramQueues> answers;
  std::array<ProgramQueue*, kMaxCpus> queue_of_cpu;
  static_assert(virtio::NetDevice::kMostPairs <= kMostProgramQueues);
};
constinit Network* network = nullptr;

// Takes what other queues' channels hold, a burst at most, as if it had come from the device.
size_t handle_channels(ProgramQueue& queue, Nanoseconds now) {
  std::array<PacketBuffer*, kBurst> frames;
  size_t count = 0;
  for (FrameChannel* const channel : queue.channels) {
    if (channel == nullptr || channel->empty()) continue;
    count += channel->receive(std::span(frames).subspan(count), queue.loop->pair.pool());
  }
  if (count != 0) queue.tcp->receive_forwarded({frames.data(), count}, now);
  return count;
}

size_t handle_burst_and_channels(ProgramQueue& queue, std::span<PacketBuffer* const> frames) {
  queue.tcp->collect_buffers();
  const Nanoseconds now = monotonic_now();
  queue.tcp->begin(now);
  if (!frames.empty()) queue.loop->interface.receive(frames, queue.loop->out);
  const size_t forwarded = handle_channels(queue, now);
  queue.finish(now);
  return frames.size() + forwarded;
}

// Handles a burst; the caller holds the lock. How many frames there were.
size_t handle_burst(ProgramQueue& queue) {
  QueueLoop& loop = *queue.loop;
  std::array<PacketBuffer*, kBurst> frames;
  const size_t count = loop.pair.receive(frames);
  if (queue.has_channels) [[unlikely]]
    return handle_burst_and_channels(queue, {frames.data(), count});
  if (count == 0) return 0;
  if (queue.tcp == nullptr) {
    loop.interface.receive({frames.data(), count}, loop.out);
    if (loop.out.size() != 0) loop.out.flush();
    return count;
  }
  const Nanoseconds now = monotonic_now();
  queue.tcp->begin(now);
  loop.interface.receive({frames.data(), count}, loop.out);
  queue.finish(now);
  return count;
}

// Tells the other queues what neighbours have answered this one. Without locks.
[[gnu::noinline]] void pass_answers(unsigned index) {
  Answers& told = network->answers[index];
  std::array<Answers::Answer, std::tuple_size_v<decltype(told.answers)>> answers;
  size_t count;
  {
    const LockGuard guard(network->queues[index].lock);
    count = told.count.load(std::memory_order_relaxed);
    std::copy_n(told.answers.begin(), count, answers.begin());
    told.count.store(0, std::memory_order_relaxed);
  }
  for (unsigned i = 0; i < network->queue_count; ++i) {
    if (i == index) continue;
    ProgramQueue& other = network->queues[i];
    const LockGuard guard(other.lock);
    QueueLoop& loop = *other.loop;
    for (size_t j = 0; j < count; ++j)
      loop.interface.neighbour_answered(answers[j].address, answers[j].mac, loop.out);
    if (loop.out.size() != 0) loop.out.flush();
  }
}

// After a burst, without locks.
void burst_handled(unsigned index) {
  network->service.burst_handled(index);
  if (network->answers[index].count.load(std::memory_order_relaxed) != 0) [[unlikely]]
    pass_answers(index);
}

// Spins until a frame has arrived (true), or somebody else wants the CPU, or `spins` polls found
// nothing. Counted as waiting, not work.
IDLE_TEXT bool poll_while_idle(const ProgramQueue& queue, uint64_t& spins) {
  const virtio::NetQueuePair& pair = queue.loop->pair;
  for (;;) {
    if (queue.channel_waiting()) return true;
    for (uint64_t i = 0; i < kPollsPerLook; ++i) {
      if (pair.has_received()) return true;
      cpu_relax();
    }
    if (scheduler::others_runnable() || spins < kPollsPerLook) return false;
    spins -= kPollsPerLook;
  }
}

// Blocks until the device interrupts. Threads that send, or receive for themselves, may use the
// queue meanwhile: at worst an interrupt then finds nothing left.
void sleep_until_frames(ProgramQueue& queue) {
  QueueLoop& loop = *queue.loop;
  bool armed;
  Deadline timer = Deadline::never();
  {
    const LockGuard guard(queue.lock);
    report_rest(loop);
    armed = loop.pair.arm_interrupt();
    if (armed) timer = queue.fall_asleep();
  }
  if (!armed) return;
  const Deadline timeouts = timeout_deadline(loop);
  // Sequentially consistent, against wake_readers(): either this finds the frame in the channel, or
  // its sender finds this asleep. Also before there are channels: they may come meanwhile.
  queue.asleep.store(true, std::memory_order_seq_cst);
  loop.wait.wait_until(
      [&] { return queue.has_frames() || queue.timers_changed.load(std::memory_order_acquire); },
      timer.at.count < timeouts.at.count ? timer : timeouts);
  queue.asleep.store(false, std::memory_order_relaxed);
  const LockGuard guard(queue.lock);
  queue.wake_up();
  loop.pair.disarm_interrupt();
}

// The timers of connections, also while there is always something else to do.
void run_due_timers(ProgramQueue& queue) {
  const LockGuard guard(queue.lock);
  if (queue.tcp == nullptr) return;
  const Nanoseconds now = monotonic_now();
  queue.tcp->run_timers(now);
  queue.finish(now);
}

[[noreturn]] void serve(ProgramQueue& queue) {
  QueueLoop& loop = *queue.loop;
  uint64_t spins = poll_spins();
  uint32_t bursts_until_tick = 0;
  for (;;) {
    run_due_timers(queue);
    if (bursts_until_tick == 0) {
      bursts_until_tick = kBurstsPerTick;
      const LockGuard guard(queue.lock);
      handle_timeouts(loop, monotonic_now());
    }
    if (poll_while_idle(queue, spins)) {
      size_t count;
      {
        const LockGuard guard(queue.lock);
        count = handle_burst(queue);
      }
      if (count != 0) burst_handled(loop.index);
      spins = poll_spins();
      --bursts_until_tick;
      // Those who were woken are why the frames were sent.
      if (scheduler::others_runnable()) yield();
      continue;
    }
    if (scheduler::others_runnable()) {
      yield();
      continue;
    }
    sleep_until_frames(queue);
    spins = poll_spins();
    bursts_until_tick = 0;
  }
}

// The queue whose interrupts come to this CPU; threads that share one take turns.
ProgramQueue& local_queue() { return *network->queue_of_cpu[this_cpu().index]; }

}  // namespace

const InterfaceConfiguration* start_program_network(const ProgramService& service) {
  virtio::NetDevice* const device = virtio::network_device();
  if (device == nullptr) return nullptr;
  auto* made = new (std::nothrow) Network{};
  if (made == nullptr) panic("no memory for the network of programs");
  made->service = service;
  made->configuration = read_configuration(*device);
  made->configuration.accept_broadcast = true;
  made->configuration.ipv6 = make_ipv6_host(*device);
  random_bytes(std::as_writable_bytes(std::span(&made->configuration.first_identification, 1)));
  made->queue_count = device->queue_pair_count();
  made->configuration.queues = static_cast<uint16_t>(made->queue_count);
  for (unsigned i = 0; i < made->queue_count; ++i) {
    made->queues[i].lock.set_home(i % cpu_count());
    made->queues[i].loop = &make_queue_loop(*device, made->configuration, i);
    service.attach(i, made->queues[i].loop->interface);
    if (made->queue_count == 1) continue;
    made->queues[i].loop->interface.set_answer_handler(
        {[](void* context, const IpAddress& address, MacAddress mac) {
           auto& answers = *static_cast<Answers*>(context);
           const size_t count = answers.count.load(std::memory_order_relaxed);
           if (count == answers.answers.size()) return;
           answers.answers[count] = {address, mac};
           answers.count.store(count + 1, std::memory_order_relaxed);
         },
         &made->answers[i]});
  }
  for (unsigned i = 0; i < kMaxCpus; ++i)
    made->queue_of_cpu[i] = &made->queues[i % made->queue_count];
  network = made;
  // Switches and neighbours that knew another guest under this address learn of the new one.
  QueueLoop& first = *made->queues[0].loop;
  first.interface.announce(first.out);
  first.out.flush();
  for (unsigned i = 0; i < made->queue_count; ++i) {
    const ThreadOptions options{.name = "net-receive", .cpu = static_cast<int>(i % cpu_count())};
    if (spawn(
            options, [](void* queue) { serve(*static_cast<ProgramQueue*>(queue)); },
            &made->queues[i]) == nullptr)
      panic("no memory for the thread of the network's queue %u", i);
  }
  return &made->configuration;
}

std::span<ProgramQueue> device_queues() {
  if (network == nullptr) return {};
  return std::span(network->queues).first(network->queue_count);
}

bool send_from_program(uint16_t source_port, UdpEndpoint to, std::span<const std::byte> payload,
                       const UdpSendOptions& options) {
  if (network == nullptr) return false;
  ProgramQueue& queue = local_queue();
  const LockGuard guard(queue.lock);
  QueueLoop& loop = *queue.loop;
  const bool sent = loop.interface.send_udp(source_port, to, payload, loop.out, options);
  if (loop.out.size() != 0) loop.out.flush();
  return sent;
}

ptrdiff_t send_from_program_at_once(uint16_t source_port, UdpEndpoint to,
                                    Interface::PayloadWriter write, void* context) {
  if (network == nullptr) return -1;
  ProgramQueue& queue = local_queue();
  queue.lock.lock_unmasked();
  QueueLoop& loop = *queue.loop;
  ptrdiff_t sent = -1;
  if (PacketBuffer* const frame = loop.interface.make_datagram(source_port, to, write, context);
      frame != nullptr) [[likely]] {
    sent = static_cast<ptrdiff_t>(frame->length - Interface::kUdpHeaders);
    loop.pair.transmit(frame);
  }
  queue.lock.unlock_unmasked();
  return sent;
}

bool receive_for_program() {
  if (network == nullptr) return false;
  ProgramQueue& queue = local_queue();
  QueueLoop& loop = *queue.loop;
  if (!queue.has_frames()) return false;
  size_t count;
  {
    const LockGuard guard(queue.lock);
    count = handle_burst(queue);
  }
  if (count == 0) return false;
  burst_handled(loop.index);
  return true;
}

}  // namespace plumbline::net
