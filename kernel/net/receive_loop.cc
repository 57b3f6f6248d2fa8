#include "net/receive_loop.hh"

#include <array>
#include <new>

#include "core/clock.hh"
#include "core/idle.hh"
#include "core/log.hh"
#include "core/panic.hh"
#include "core/per_cpu.hh"
#include "net/queue_loop.hh"
#include "net/queue_stack.hh"
#include "sched/thread.hh"

namespace plumbline::net {

namespace {

// Between two looks at the clock: at a million packets a second about every millisecond.
constexpr uint32_t kPacketsPerTick = 1024;

struct ServedQueue {
  QueueLoop& loop;
  const NetworkService& service;
  // Without TCP nullptr.
  StackPath* tcp = nullptr;
  StreamServer* streams = nullptr;
};

// Spins until a frame has arrived; false after `spins` empty polls. Counted as waiting, not work.
IDLE_TEXT bool poll_for_frames(const virtio::NetQueuePair& pair, uint64_t spins) {
  for (;;) {
    if (pair.has_received()) return true;
    if (spins-- == 0) return false;
    cpu_relax();
  }
}

void look_at_clock(const ServedQueue& served) {
  served.loop.packets_until_tick = kPacketsPerTick;
  const Nanoseconds now = monotonic_now();
  if (served.service.tick != nullptr) served.service.tick(served.service.context, now);
  handle_timeouts(served.loop, now);
}

// What came is handled by its connections' handlers, and what they say goes out.
void finish_streams(const ServedQueue& served, Nanoseconds now) {
  do {
    served.streams->progress(now);
  } while (served.tcp->finish(now) || served.streams->is_waiting());
}

void run_stream_timers(const ServedQueue& served) {
  const Nanoseconds now = monotonic_now();
  served.tcp->run_timers(now);
  finish_streams(served, now);
}

Deadline next_stream_timer(const ServedQueue& served) {
  if (served.tcp == nullptr) return Deadline::never();
  const auto next = served.tcp->stack().next_timer();
  return next ? Deadline{*next} : Deadline::never();
}

// Blocks until the device interrupts, or a time-out of the protocols is due.
void sleep_until_frames(const ServedQueue& served) {
  report_rest(served.loop);
  if (served.loop.pair.arm_interrupt()) {
    wait_for_interrupt(served.loop, next_stream_timer(served));
    served.loop.pair.disarm_interrupt();
  }
  look_at_clock(served);
  if (served.tcp != nullptr) run_stream_timers(served);
}

size_t handle_burst(const ServedQueue& served) {
  QueueLoop& loop = served.loop;
  std::array<PacketBuffer*, Interface::kBurst> frames;
  const size_t count = loop.pair.receive(frames);
  if (served.tcp == nullptr) {
    loop.interface.receive({frames.data(), count}, loop.out);
    if (loop.out.size() != 0) loop.out.flush();
    return count;
  }
  const Nanoseconds now = monotonic_now();
  served.tcp->begin(now);
  loop.interface.receive({frames.data(), count}, loop.out);
  served.tcp->run_timers(now);
  finish_streams(served, now);
  return count;
}

[[noreturn]] void run(const ServedQueue& served) {
  QueueLoop& loop = served.loop;
  const uint64_t spins = poll_spins();
  look_at_clock(served);
  for (;;) {
    if (!poll_for_frames(loop.pair, spins)) {
      sleep_until_frames(served);
      continue;
    }
    const size_t count = handle_burst(served);
    if (loop.packets_until_tick <= count) {
      look_at_clock(served);
    } else {
      loop.packets_until_tick -= static_cast<uint32_t>(count);
    }
  }
}

// For a stack that has none yet, before it is served.
void attach_streams(ServedQueue& served, unsigned count, const tcp::SipHashKey& secret) {
  const unsigned queue = served.loop.index;
  served.tcp = make_queue_stack(served.loop, count, secret);
  if (served.tcp != nullptr)
    served.streams =
        new (std::nothrow) StreamServer(served.tcp->stack(), page_source(),
                                        served.tcp->stack().configuration().maximum_connections);
  if (served.streams == nullptr) panic("no memory for TCP on the network's queue %u", queue);
  served.service.attach_tcp(served.service.context, queue, *served.streams);
}

}  // namespace

unsigned queue_count() {
  const virtio::NetDevice* const device = virtio::network_device();
  return device == nullptr ? 0 : device->queue_pair_count();
}

void serve_network(const NetworkService& service) {
  virtio::NetDevice* const device = virtio::network_device();
  if (device == nullptr)
    panic("%s needs a network device: start QEMU with -device virtio-net-pci or virtio-net-device",
          service.name);
  const InterfaceConfiguration configuration = read_configuration(*device);
  const unsigned count = device->queue_pair_count();
  const tcp::SipHashKey secret = draw_stack_secret();
  std::array<ServedQueue*, virtio::NetDevice::kMostPairs> served{};
  for (unsigned i = 0; i < count; ++i) {
    QueueLoop& loop = make_queue_loop(*device, configuration, i);
    if (service.attach != nullptr) service.attach(service.context, i, loop.interface);
    served[i] = new (std::nothrow) ServedQueue{loop, service};
    if (served[i] == nullptr) panic("no memory for the network's queue %u", i);
    if (service.attach_tcp != nullptr) attach_streams(*served[i], count, secret);
  }
  const uint32_t ip = configuration.address.address.value;
  log_info("%s serves %u.%u.%u.%u/%u on %u queue%s of %s", service.name, ip >> 24, ip >> 16 & 255,
           ip >> 8 & 255, ip & 255, configuration.address.length, count, count == 1 ? "" : "s",
           device->name());
  // Switches and neighbours that knew another guest under this address learn of the new one.
  QueueLoop& first = served[0]->loop;
  first.interface.announce(first.out);
  first.out.flush();
  // The first queue is served by the calling thread where that is on the right CPU already: a
  // thread less, and a moment less before the first answer.
  for (unsigned i = 1; i < count; ++i) {
    const ThreadOptions options{.name = "net-receive", .cpu = static_cast<int>(i % cpu_count())};
    if (spawn(
            options, [](void* queue) { run(*static_cast<ServedQueue*>(queue)); }, served[i]) ==
        nullptr)
      panic("no memory for the thread of the network's queue %u", i);
  }
  run(*served[0]);
}

}  // namespace plumbline::net
