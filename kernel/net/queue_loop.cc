#include "net/queue_loop.hh"

#include <algorithm>
#include <new>

#include "core/boot_options.hh"
#include "core/clock.hh"
#include "core/log.hh"
#include "core/panic.hh"
#include "memory/pages.hh"
#include "net/address_text.hh"

namespace plumbline::net {

namespace {

constexpr const char* kUdpChecksumWords[] = {"full", "zero"};

BOOT_OPTION(std::string_view, address_option, "ip", "10.9.0.2/24",
            "this guest's address and prefix length");
BOOT_OPTION(std::string_view, gateway_option, "gateway", "",
            "where packets to other networks go; empty: nowhere");
BOOT_OPTION(std::string_view, address6_option, "ip6", "auto",
            "IPv6 of programs: auto (what routers advertise), off, or an address with its prefix "
            "length, beside what routers advertise");
BOOT_OPTION(std::string_view, gateway6_option, "gateway6", "",
            "where IPv6 packets to other networks go; empty: to who advertises itself");
BOOT_OPTION(std::uint64_t, poll_spins_option, "net.poll-spins", 20000, 0, 1'000'000'000,
            "empty polls of a queue before its thread sleeps until an interrupt");
BOOT_OPTION(std::uint64_t, reassembly_option, "net.reassembly-slots", 4, 0,
            Reassembler::kMaximumSlots,
            "datagrams a queue can put together at a time, 64 KiB each");
BOOT_OPTION(bool, census_option, "net.census", false,
            "say where the packet buffers are when a queue goes to rest, at most once a second");
BOOT_OPTION(Choice, udp_checksum_option, "net.udp-checksum", 0, kUdpChecksumWords,
            "checksums of sent UDP datagrams: full, as Linux does, or zero (none, RFC 768)");

constexpr Nanoseconds kTimeouts = seconds(1);

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

[[noreturn]] void refuse(const char* option, std::string_view value, const char* allowed) {
  log_error("option %s=%.*s: allowed is %s", option, static_cast<int>(value.size()), value.data(),
            allowed);
  power_off(ExitCode::kBadOption);
}

void report_duplicate(Ipv6Host& host) {
  const auto address = host.take_duplicate();
  if (!address) return;
  const auto group = [&](unsigned i) {
    return static_cast<unsigned>(byte_swap(address->words[i / 4]) >> (48 - i % 4 * 16) & 0xffff);
  };
  log_error(
      "net: another station has our address %x:%x:%x:%x:%x:%x:%x:%x: it is not used; give another "
      "one with ip6=",
      group(0), group(1), group(2), group(3), group(4), group(5), group(6), group(7));
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

QueueLoop::QueueLoop(virtio::NetQueuePair& queue_pair, const InterfaceConfiguration& configuration,
                     std::span<std::byte> reassembly)
    : pair(queue_pair),
      interface(configuration, queue_pair.pool(), reassembly),
      out(
          [](void* to, std::span<PacketBuffer* const> packets) {
            auto& queue = *static_cast<virtio::NetQueuePair*>(to);
            // An answer to one request is the most common burst.
            if (packets.size() == 1) [[likely]]
              queue.transmit(packets[0]);
            else if (!packets.empty())
              queue.transmit(packets);
            // Long answers can send the whole pool: the next buffer is one that comes back.
            if (queue.pool().in_use() == queue.pool().count()) queue.recover_buffers();
          },
          &queue_pair) {}

uint64_t poll_spins() { return poll_spins_option.get(); }

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
  static PathMtus path_mtus;
  configuration.path_mtus = &path_mtus;
  return configuration;
}

Ipv6Host* make_ipv6_host(const virtio::NetDevice& device) {
  if (address6_option.get() == "off") return nullptr;
  Ipv6Configuration configuration;
  if (address6_option.get() != "auto") {
    const auto address = parse_host_prefix6(address6_option.get());
    if (!address)
      refuse("ip6", address6_option.get(),
             "auto, off, or a host's address with its prefix length, as 2001:db8::2/64");
    configuration.address = address->address;
    configuration.prefix_length = address->length;
  }
  if (!gateway6_option.get().empty()) {
    const auto gateway = parse_address6(gateway6_option.get());
    const bool is_near = gateway && !configuration.address.is_unspecified() &&
                         same_prefix(*gateway, configuration.address, configuration.prefix_length);
    if (!gateway || *gateway == configuration.address || (!gateway->is_link_local_v6() && !is_near))
      refuse("gateway6", gateway6_option.get(),
             "a link-local address, or another one of the network given by ip6=");
    configuration.gateway = *gateway;
  }
  if (device.mtu() < Ipv6Header::kLeastMtu) {
    log_warning("net: %s takes packets of %u bytes, and IPv6 needs 1280: it is off", device.name(),
                device.mtu());
    return nullptr;
  }
  auto* const host = new (std::nothrow) Ipv6Host(MacAddress{device.mac()}, configuration);
  if (host == nullptr) panic("no memory for IPv6");
  return host;
}

QueueLoop& make_queue_loop(virtio::NetDevice& device, InterfaceConfiguration configuration,
                           unsigned index) {
  virtio::NetQueuePair& pair = device.queue_pair(index);
  configuration.queue = static_cast<uint16_t>(index);
  configuration.queues = static_cast<uint16_t>(device.queue_pair_count());
  auto* loop = new (std::nothrow) QueueLoop(pair, configuration, allocate_reassembly());
  if (loop == nullptr) panic("no memory for the network's queue %u", index);
  loop->index = index;
  pair.set_wake([](void* queue) { static_cast<QueueLoop*>(queue)->wait.wake_one(); }, loop);
  return *loop;
}

void handle_timeouts(QueueLoop& loop, Nanoseconds now) {
  if (now < loop.next_timeouts) return;
  loop.next_timeouts = now + kTimeouts;
  loop.interface.tick(loop.out);
  if (loop.out.size() != 0) loop.out.flush();
  if (Ipv6Host* const host = loop.interface.configuration().ipv6) report_duplicate(*host);
}

void report_rest(QueueLoop& loop) {
  if (census_option.get()) report_census(loop);
}

Deadline timeout_deadline(const QueueLoop& loop) {
  return loop.interface.busy() ? Deadline{loop.next_timeouts} : Deadline::never();
}

void wait_for_interrupt(QueueLoop& loop, Deadline timer) {
  const Deadline timeouts = timeout_deadline(loop);
  loop.wait.wait_until([&] { return loop.pair.has_received(); },
                       timer.at.count < timeouts.at.count ? timer : timeouts);
}

}  // namespace plumbline::net
