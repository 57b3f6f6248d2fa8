// run=memcached: the server on the kernel's network.
#include <algorithm>
#include <array>
#include <new>

#include "apps/memcached/protocol.hh"
#include "core/boot_options.hh"
#include "core/clock.hh"
#include "core/init_calls.hh"
#include "core/log.hh"
#include "core/panic.hh"
#include "drivers/random/random.hh"
#include "memory/pages.hh"
#include "net/receive_loop.hh"

namespace plumbline::memcached {
namespace {

BOOT_OPTION(std::uint64_t, memory_option, "memcached.memory", 64 << 20, 512 << 10,
            std::uint64_t{256} << 30,
            "memory for items and their table; less when the guest has less");
BOOT_OPTION(std::uint64_t, port_option, "memcached.port", 11211, 1, 65535, "UDP port");

struct Instance {
  Instance(std::span<std::byte> memory, unsigned queues)
      : clock(wall_clock_now()),
        store(memory, clock, random_u64(), queues == 1 ? 1 : queues * 4, queues > 1),
        server{store, clock, {}} {}

  CoarseClock clock;
  ServerStore store;
  Server server;
  std::array<Protocol*, AllCounters::kMaximumThreads> protocols{};
};

void attach(void* context, unsigned queue, net::Interface& interface) {
  auto& instance = *static_cast<Instance*>(context);
  auto* const protocol = new (std::nothrow) Protocol(instance.server);
  if (protocol == nullptr) panic("no memory for memcached's queue %u", queue);
  instance.protocols[queue] = protocol;
  if (!interface.bind(static_cast<uint16_t>(port_option.get()), protocol->handler()))
    panic("memcached can not bind its port");
}

void tick(void* context, Nanoseconds) {
  static_cast<Instance*>(context)->clock.set_unix(wall_clock_now());
}

// What is taken from untouched memory; less than that comes from the page allocator.
constexpr size_t kReserved = 4 << 20;

// The memory asked for, or what there is: half of what is free stays for the rest of the kernel.
std::span<std::byte> allocate_memory() {
  const size_t free = page_statistics().free_pages * kPageSize;
  const size_t limit = std::min<uint64_t>(memory_option.get(), free / 2);
  if (limit >= kReserved) {
    // Not rounded up: what is limited is what is used.
    const auto memory = reserve_memory(limit);
    if (!memory.empty()) return memory.first(limit / 64 * 64);
  }
  for (unsigned order = std::min(kMaxPageOrder, page_order_for(limit));; --order) {
    const PageBlock block = allocate_pages(order);
    if (block) return {static_cast<std::byte*>(block.data), std::min(block.size(), limit)};
    if (order == 0) return {};
  }
}

void memcached_main() {
  const auto memory = allocate_memory();
  if (memory.size() < ServerStore::kMinimumBytes)
    panic("memcached needs at least %zu KiB of memory in one piece",
          ServerStore::kMinimumBytes / kKiB);
  if (memory.size() < memory_option.get() && memory_option.given)
    log_warning("memcached.memory=%zu: the guest has only %zu for it", memory_option.get(),
                memory.size());
  auto* const instance = new (std::nothrow) Instance(memory, std::max(1u, net::queue_count()));
  if (instance == nullptr) panic("no memory for memcached");
  net::serve_network({"memcached", attach, tick, instance});
}
APPLICATION("memcached", memcached_main);

}  // namespace
}  // namespace plumbline::memcached
