#include "net/receive_loop.hh"

#include <atomic>
#include <new>

#include "core/boot_options.hh"
#include "core/clock.hh"
#include "core/idle.hh"
#include "core/log.hh"
#include "core/panic.hh"
#include "core/per_cpu.hh"
#include "drivers/virtio/net.hh"
#include "memory/pages.hh"
#include "net/address_text.hh"
#include "sched/thread.hh"
#include "sync/wait_queue.hh"

namespace plumbline::net {

namespace {

constexpr const char* kUdpChecksumWords[] = {"full", "zero"};

BOOT_OPTION(std::string_view, address_option, "ip", "10.9.0.2/24",
            "this guest's address and prefix length");
BOOT_OPTION(std::string_view, gateway_option, "gateway", "",
            "where packets to other networks go; empty: nowhere");
BOOT_OPTION(std::uint64_t, poll_spins_option, "net.poll-spins", 20000, 0, 1'000'000'000,
            "empty polls of a queue before its thread sleeps until an interrupt");
BOOT_OPTION(std::uint64_t, reassembly_option, "net.reassembly-slots", 4, 0,
            Reassembler::kMaximumSlots,
            "datagrams a queue can put together at a time, 64 KiB each");
BOOT_OPTION(bool, census_option, "net.census", false,
            "say where the packet buffers are when a queue goes to rest, at most once a second");
BOOT_OPTION(Choice, udp_checksum_option, "net.udp-checksum", 0, kUdpChecksumWords,
            "checksums of sent UDP datagrams: full, as Linux does, or zero (none, RFC 768)");

// Between two looks at the clock: at a million packets a second about every millisecond.
constexpr uint32_t kPacketsPerTick = 1024;
constexpr Nanoseconds kTimeouts = seconds(1);

struct QueueLoop {
  QueueLoop(virtio::NetQueuePair& queue_pair, const InterfaceConfiguration& configuration,
            std::span<std::byte> reassembly, const NetworkService& what)
      : pair(queue_pair),
        interface(configuration, queue_pair.pool(), reassembly),
        out(
            [](void* to, std::span<PacketBuffer* const> packets) {
              auto& queue = *static_cast<virtio::NetQueuePair*>(to);
              if (!packets.empty()) queue.transmit(packets);
              // Long answers can send the whole pool: the next buffer is one that comes back.
              if (queue.pool().in_use() == queue.pool().count()) queue.recover_buffers();
            },
            &queue_pair),
        service(what) {}

  virtio::NetQueuePair& pair;
  Interface interface;
  Transmit out;
  const NetworkService& service;
  WaitQueue wait;
  Nanoseconds next_timeouts{};
  Nanoseconds next_census{};
  uint32_t packets_until_tick = 0;
  unsigned index = 0;
};

// Spins until a frame has arrived; false after `spins` empty polls. Counted as waiting, not work.
IDLE_TEXT bool poll_for_frames(const virtio::NetQueuePair& pair, uint64_t spins) {
  for (;;) {
    if (pair.has_received()) return true;
    if (spins-- == 0) return false;
    cpu_relax();
  }
}

void look_at_clock(QueueLoop& loop) {
  loop.packets_until_tick = kPacketsPerTick;
  const Nanoseconds now = monotonic_now();
  if (loop.service.tick != nullptr) loop.service.tick(loop.service.context, now);
  if (now >= loop.next_timeouts) {
    loop.next_timeouts = now + kTimeouts;
    loop.interface.tick(loop.out);
    if (loop.out.size() != 0) loop.out.flush();
  }
}

// The lost-buffer check of soaks reads this line: at rest no buffer may be elsewhere.
void report_census(QueueLoop& loop) {
  const Nanoseconds now = monotonic_now();
  if (now < loop.next_census) return;
  loop.next_census = now + seconds(1);
  loop.pair.reclaim();
  const virtio::BufferCensus census = loop.pair.census();
  log_info(
      "net: queue %u at rest: %zu buffers, %zu free, %zu to receive, %zu to send, %zu elsewhere",
      loop.index, census.total, census.free, census.receive_ring, census.transmit_ring,
      census.elsewhere);
}

// Blocks until the device interrupts, or a time-out of the protocols is due.
void sleep_until_frames(QueueLoop& loop) {
  if (census_option.get()) report_census(loop);
  if (loop.pair.arm_interrupt()) {
    const bool timeouts_pending =
        loop.interface.reassembler().pending() != 0 || loop.interface.arp_table().resolving();
    const Deadline deadline = timeouts_pending ? Deadline{loop.next_timeouts} : Deadline::never();
    loop.wait.wait_until([&] { return loop.pair.has_received(); }, deadline);
    loop.pair.disarm_interrupt();
  }
  look_at_clock(loop);
}

[[noreturn]] void run(QueueLoop& loop) {
  const uint64_t spins = poll_spins_option.get();
  std::array<PacketBuffer*, Interface::kBurst> frames;
  look_at_clock(loop);
  for (;;) {
    if (!poll_for_frames(loop.pair, spins)) {
      sleep_until_frames(loop);
      continue;
    }
    const size_t count = loop.pair.receive(frames);
    loop.interface.receive({frames.data(), count}, loop.out);
    if (loop.out.size() != 0) loop.out.flush();
    if (loop.packets_until_tick <= count) {
      look_at_clock(loop);
    } else {
      loop.packets_until_tick -= static_cast<uint32_t>(count);
    }
  }
}

[[noreturn]] void refuse(const char* option, std::string_view value, const char* allowed) {
  log_error("option %s=%.*s: allowed is %s", option, static_cast<int>(value.size()), value.data(),
            allowed);
  power_off(ExitCode::kBadOption);
}

InterfaceConfiguration read_configuration(const virtio::NetDevice& device) {
  InterfaceConfiguration configuration;
  configuration.mac.octets = device.mac();
  const auto address = parse_host_prefix(address_option.get());
  if (!address)
    refuse("ip", address_option.get(), "a host's address with its prefix length, as 10.9.0.2/24");
  configuration.address = *address;
  if (!gateway_option.get().empty()) {
    const auto gateway = parse_address(gateway_option.get());
    if (!gateway || !address->contains(*gateway) || *gateway == address->address)
      refuse("gateway", gateway_option.get(), "another address of the network given by ip=");
    configuration.gateway = *gateway;
  }
  configuration.mtu = static_cast<uint16_t>(std::min(1500u, std::max(576u, device.mtu())));
  configuration.transmit_checksum = device.completes_checksums();
  configuration.udp_checksum =
      udp_checksum_option.get() == 1 ? UdpChecksum::kZero : UdpChecksum::kFull;
  configuration.now = [] { return monotonic_now().count; };
  return configuration;
}

std::span<std::byte> allocate_reassembly() {
  const size_t bytes = reassembly_option.get() * Reassembler::kSlotBytes;
  if (bytes == 0) return {};
  const PageBlock block = allocate_pages(page_order_for(bytes));
  if (!block)
    panic("no memory for net.reassembly-slots=%lu; give fewer",
          static_cast<unsigned long>(reassembly_option.get()));
  return {static_cast<std::byte*>(block.data), bytes};
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
  InterfaceConfiguration configuration = read_configuration(*device);
  const unsigned count = device->queue_pair_count();
  configuration.queues = static_cast<uint16_t>(count);
  std::array<QueueLoop*, virtio::NetDevice::kMostPairs> loops{};
  for (unsigned i = 0; i < count; ++i) {
    virtio::NetQueuePair& pair = device->queue_pair(i);
    configuration.queue = static_cast<uint16_t>(i);
    loops[i] = new (std::nothrow) QueueLoop(pair, configuration, allocate_reassembly(), service);
    if (loops[i] == nullptr) panic("no memory for the network's queue %u", i);
    loops[i]->index = i;
    service.attach(service.context, i, loops[i]->interface);
    pair.set_wake([](void* queue) { static_cast<QueueLoop*>(queue)->wait.wake_one(); }, loops[i]);
  }
  const uint32_t ip = configuration.address.address.value;
  log_info("%s serves %u.%u.%u.%u/%u on %u queue%s of %s", service.name, ip >> 24, ip >> 16 & 255,
           ip >> 8 & 255, ip & 255, configuration.address.length, count, count == 1 ? "" : "s",
           device->name());
  // Switches and neighbours that knew another guest under this address learn of the new one.
  loops[0]->interface.announce(loops[0]->out);
  loops[0]->out.flush();
  // The first queue is served by the calling thread where that is on the right CPU already: a
  // thread less, and a moment less before the first answer.
  for (unsigned i = 1; i < count; ++i) {
    const ThreadOptions options{.name = "net-receive", .cpu = static_cast<int>(i % cpu_count())};
    if (spawn(
            options, [](void* loop) { run(*static_cast<QueueLoop*>(loop)); }, loops[i]) == nullptr)
      panic("no memory for the thread of the network's queue %u", i);
  }
  run(*loops[0]);
}

}  // namespace plumbline::net
