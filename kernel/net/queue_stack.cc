#include "net/queue_stack.hh"

#include <new>

#include "core/clock.hh"
#include "drivers/random/random.hh"
#include "memory/pages.hh"

constinit plumbline::net::CopyCount plumbline_net_copies[plumbline::virtio::NetDevice::kMostPairs]
                                                        [plumbline::net::kCopyWays]{};

namespace plumbline::net {

namespace {

// Payload of a frame that the device cuts into segments: an IP packet states at most 65,535 bytes,
// of which headers with all options take 120.
constexpr uint32_t kMostSegmented = 65535 - 120;

StackPath* make_path(StackPath::Configuration configuration) {
  configuration.memory = page_source();
  configuration.physical = [](const void* memory) { return to_physical(memory).value; };
  configuration.most_bytes = page_statistics().free_pages * kPageSize / 4 / configuration.count;
  auto* const path = new (std::nothrow) StackPath(configuration, monotonic_now());
  if (path != nullptr) path->memory().count_copies_in(plumbline_net_copies[configuration.number]);
  return path;
}

}  // namespace

tcp::MemorySource page_source() {
  return {[](void*, size_t bytes) -> void* { return allocate_pages(page_order_for(bytes)).data; },
          [](void*, void* memory, size_t bytes) {
            free_pages({memory, page_order_for(bytes)});
          },
          nullptr};
}

tcp::SipHashKey draw_stack_secret() {
  tcp::SipHashKey secret;
  random_bytes(std::as_writable_bytes(std::span(secret.words)));
  return secret;
}

StackPath* make_queue_stack(QueueLoop& loop, unsigned count, const tcp::SipHashKey& secret) {
  StackPath::Configuration configuration;
  configuration.pool = &loop.pair.pool();
  configuration.secret = secret;
  configuration.number = static_cast<uint16_t>(loop.index);
  configuration.count = static_cast<uint16_t>(count);
  configuration.interface = &loop.interface;
  configuration.out = &loop.out;
  configuration.device = &loop.pair;
  configuration.ready = [](void* pair) {
    return static_cast<virtio::NetQueuePair*>(pair)->has_room();
  };
  const virtio::NetQueueFeatures& features = loop.pair.features();
  configuration.maximum_payload = {features.segments_ipv4 ? kMostSegmented : 0,
                                   features.segments_ipv6 ? kMostSegmented : 0};
  StackPath* const path = make_path(configuration);
  // What was sent lies in the ring until somebody asks; asked for, it may be the memory that lacks.
  if (path != nullptr)
    path->memory().set_reclaim(
        [](void* pair) { static_cast<virtio::NetQueuePair*>(pair)->reclaim(); }, &loop.pair);
  return path;
}

StackPath* make_lone_stack(BufferPool& pool, const tcp::SipHashKey& secret) {
  StackPath::Configuration configuration;
  configuration.pool = &pool;
  configuration.secret = secret;
  return make_path(configuration);
}

}  // namespace plumbline::net
