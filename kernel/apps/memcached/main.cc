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

constexpr size_t kLargestBlock = kPageSize << kMaxPageOrder;

// One piece of `bytes`, a multiple of the largest block, out of blocks that happen to lie side by
// side, as they do soon after the boot; or the longest such piece.
std::span<std::byte> allocate_adjacent(size_t bytes) {
  // A few more than needed, in case the first ones are strays.
  constexpr size_t kSpare = 4;
  const size_t wanted = bytes / kLargestBlock;
  auto* const blocks = new (std::nothrow) PageBlock[wanted + kSpare];
  if (blocks == nullptr) return {};
  size_t count = 0;
  while (count < wanted + kSpare) {
    blocks[count] = allocate_pages(kMaxPageOrder);
    if (!blocks[count]) break;
    ++count;
  }
  const auto address = [&](size_t i) { return static_cast<std::byte*>(blocks[i].data); };
  std::sort(blocks, blocks + count,
            [](const PageBlock& a, const PageBlock& b) { return a.data < b.data; });
  size_t best = 0;
  size_t best_length = 0;
  for (size_t start = 0; start < count;) {
    size_t end = start + 1;
    while (end < count && address(end) == address(end - 1) + kLargestBlock) ++end;
    if (end - start > best_length) {
      best = start;
      best_length = end - start;
    }
    start = end;
  }
  best_length = std::min(best_length, wanted);
  std::byte* const start = best_length == 0 ? nullptr : address(best);
  for (size_t i = 0; i < count; ++i)
    if (i < best || i >= best + best_length) free_pages(blocks[i]);
  delete[] blocks;
  return {start, best_length * kLargestBlock};
}

// The memory asked for, or what there is: half of what is free stays for the rest of the kernel.
std::span<std::byte> allocate_memory() {
  const size_t free = page_statistics().free_pages * kPageSize;
  const size_t limit = std::min<uint64_t>(memory_option.get(), free / 2);
  if (limit > kLargestBlock) {
    const auto memory = allocate_adjacent(align_up(limit, kLargestBlock));
    if (!memory.empty()) return memory.first(std::min(limit, memory.size()));
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
