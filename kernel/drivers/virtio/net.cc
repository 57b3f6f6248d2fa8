#include "drivers/virtio/net.hh"

#include <algorithm>
#include <bit>

#include "core/boot_options.hh"
#include "core/clock.hh"
#include "core/idle.hh"
#include "core/init_calls.hh"
#include "core/log.hh"
#include "memory/pages.hh"

namespace plumbline::virtio {
namespace {

BOOT_OPTION(std::uint64_t, ring_option, "net.ring", 0, 0, 1024,
            "entries of a network ring: 64 to 1024, 0 chooses by the guest's memory");
BOOT_OPTION(std::uint64_t, queues_option, "net.queues", 0, 0, NetDevice::kMostPairs,
            "network queue pairs, 0: one for each CPU, as far as the device has them");

// Feature bits (virtio 1.2, 5.1.3).
constexpr uint64_t kChecksum = uint64_t{1} << 0;
constexpr uint64_t kGuestChecksum = uint64_t{1} << 1;
constexpr uint64_t kMtu = uint64_t{1} << 3;
constexpr uint64_t kMac = uint64_t{1} << 5;
constexpr uint64_t kGuestTso4 = uint64_t{1} << 7;
constexpr uint64_t kGuestTso6 = uint64_t{1} << 8;
constexpr uint64_t kGuestEcn = uint64_t{1} << 9;
constexpr uint64_t kHostTso4 = uint64_t{1} << 11;
constexpr uint64_t kHostTso6 = uint64_t{1} << 12;
constexpr uint64_t kHostEcn = uint64_t{1} << 13;
constexpr uint64_t kMergeableBuffers = uint64_t{1} << 15;
constexpr uint64_t kStatus = uint64_t{1} << 16;
constexpr uint64_t kControlQueue = uint64_t{1} << 17;
constexpr uint64_t kMultiQueue = uint64_t{1} << 22;

// The configuration's fields (virtio 1.2, 5.1.4).
constexpr unsigned kConfigurationMac = 0;
constexpr unsigned kConfigurationMacEnd = 4;
constexpr unsigned kConfigurationPairs = 8;
constexpr unsigned kConfigurationMtu = 10;
constexpr unsigned kMostDevicePairs = 0x8000;

// Control commands (virtio 1.2, 5.1.6.5.6).
constexpr uint8_t kControlMultiQueue = 4;
constexpr uint8_t kSetPairs = 0;
constexpr uint8_t kAcknowledged = 0;
constexpr Nanoseconds kControlPatience = seconds(1);

NetDevice* the_device = nullptr;

void report_broken(const char* queue, const char* why, uint32_t value) {
  log_error("virtio-net: the %s queue is broken: %s (%u); the device is not used any more", queue,
            why, value);
}

constexpr uint64_t kTransmitSegments = kHostTso4 | kHostTso6;
constexpr uint64_t kReceiveSegments = kGuestTso4 | kGuestTso6;

// Of what the device offers, what goes together (virtio 1.2, 5.1.3.1) and is of use here.
uint64_t usable_features(uint64_t features) {
  const auto without = [&](uint64_t needed, uint64_t dependent) {
    if ((features & needed) == 0) features &= ~dependent;
  };
  // Several pairs are switched on through the control queue, and it is for nothing else here.
  without(kControlQueue, kMultiQueue);
  without(kMultiQueue, kControlQueue);
  without(kChecksum, kTransmitSegments);
  without(kTransmitSegments, kHostEcn);
  without(kGuestChecksum, kReceiveSegments);
  // Else each buffer would have to hold the largest frame, 64 KiB (5.1.6.3.1).
  without(kMergeableBuffers, kReceiveSegments);
  without(kReceiveSegments, kGuestEcn);
  return features;
}

unsigned default_ring() {
  // Two buffers of 2 KiB an entry: 256 entries are a megabyte.
  return page_statistics().total_pages * kPageSize < 32 * kMiB ? 256 : 1024;
}

}  // namespace

void NetDevice::read_configuration() {
  const uint64_t mac_and_status = kMac | kStatus;
  if ((accepted_ & kMac) != 0) {
    const uint32_t low = transport_->read_config32(kConfigurationMac);
    for (unsigned i = 0; i < 4; ++i) mac_[i] = static_cast<uint8_t>(low >> 8 * i);
    // Where there is a status behind the address, both come with one exit.
    const uint32_t high = (accepted_ & mac_and_status) == mac_and_status
                              ? transport_->read_config32(kConfigurationMacEnd)
                              : transport_->read_config16(kConfigurationMacEnd) | 1u << 16;
    mac_[4] = static_cast<uint8_t>(high);
    mac_[5] = static_cast<uint8_t>(high >> 8);
    link_up_ = (high >> 16 & 1) != 0;
  } else {
    // Locally administered, and likely another one at each boot.
    const uint64_t random = tsc_now() * 0x9e3779b97f4a7c15u;
    mac_ = {0x52,
            0x54,
            0x00,
            static_cast<uint8_t>(random >> 40),
            static_cast<uint8_t>(random >> 48),
            static_cast<uint8_t>(random >> 56)};
  }
  if ((accepted_ & kMultiQueue) != 0) {
    most_pairs_ = transport_->read_config16(kConfigurationPairs);
    if (most_pairs_ == 0 || most_pairs_ > kMostDevicePairs) {
      log_warning("%s: claims %u queue pairs; one is used", name(), most_pairs_);
      most_pairs_ = 1;
    }
  }
  // No IPv4 works below 68 (RFC 791); more than 1500 would not fit into our buffers.
  if ((accepted_ & kMtu) != 0)
    mtu_ = std::clamp<unsigned>(transport_->read_config16(kConfigurationMtu), 68, 1500);
}

bool NetDevice::start_pair(unsigned index, unsigned ring, size_t memory_budget) {
  auto* const pair = new Pair;
  pairs_[index] = pair;
  const bool event_index = (accepted_ & kFeatureEventIndex) != 0;
  const uint16_t queue = static_cast<uint16_t>(2 * index);
  const QueueInterrupt interrupt{NetQueuePair::interrupted, &pair->pair, index % cpu_count()};
  if (!start_queue(*transport_, queue, static_cast<uint16_t>(ring), event_index, interrupt,
                   pair->receive) ||
      !start_queue(*transport_, static_cast<uint16_t>(queue + 1), static_cast<uint16_t>(ring),
                   event_index, {}, pair->transmit))
    return false;
  // Buffers for a full receive ring and as many again for answers, less when memory is short.
  const size_t wanted = net::BufferPool::bytes_needed(size_t{2} * pair->receive.ring.size());
  unsigned order = std::min(page_order_for(wanted), kMaxPageOrder);
  while (order > 4 && (kPageSize << order) > memory_budget) --order;
  PageBlock memory = allocate_pages(order);
  while (!memory && order > 4) memory = allocate_pages(--order);
  if (!memory) {
    log_error("%s: no memory for packet buffers", name());
    return false;
  }
  pair->pool.init({static_cast<std::byte*>(memory.data), memory.size()}, memory.physical().value);

  pair->pair.init(pair->receive.ring, pair->receive.doorbell, pair->transmit.ring,
                  pair->transmit.doorbell, pair->pool, features_);
  pair->pair.set_interrupts_available(pair->receive.has_interrupt);
  pair->pair.set_on_broken(report_broken);
  return true;
}

bool NetDevice::use_pairs(unsigned count) {
  // One buffer: class and command, the number, and a byte for the answer.
  struct alignas(16) Command {
    uint8_t group;
    uint8_t command;
    uint16_t pairs;
    uint8_t answer;
  };
  const PageBlock memory = allocate_pages(0, Zeroed::kYes);
  if (!memory) return false;
  auto* const command =
      new (memory.data) Command{kControlMultiQueue, kSetPairs, static_cast<uint16_t>(count), 0xff};
  const uint64_t at = memory.physical().value;
  const std::array<Segment, 2> request{{{at, 2}, {at + offsetof(Command, pairs), 2}}};
  const std::array<Segment, 1> answer{{{at + offsetof(Command, answer), 1}}};
  SplitQueue& ring = control_.ring;
  ring.disarm_interrupt();
  if (!ring.add(request, answer, command)) return false;
  if (ring.publish()) control_.doorbell.ring();
  const Deadline deadline = Deadline::after(kControlPatience);
  Completion done;
  while (ring.take_used({&done, 1}) == 0) {
    if (deadline.passed() || ring.broken() != nullptr) {
      // The page stays the device's: it may still answer.
      log_error("%s: no answer to the request for %u queue pairs", name(), count);
      return false;
    }
    cpu_relax();
  }
  const bool accepted = load_once(command->answer) == kAcknowledged;
  free_pages(memory);
  if (!accepted) log_warning("%s: the device refuses %u queue pairs", name(), count);
  return accepted;
}

bool NetDevice::initialise(Transport& transport) {
  transport_ = &transport;
  const uint64_t start = tsc_now();
  const unsigned wanted_pairs = static_cast<unsigned>(
      queues_option.get() != 0 ? queues_option.get() : std::min(cpu_count(), kMostPairs));
  uint64_t wanted =
      kFeatureEventIndex | kMergeableBuffers | kChecksum | kGuestChecksum | kMac | kMtu | kStatus;
  if (wanted_pairs > 1) wanted |= kMultiQueue | kControlQueue;
  wanted |= kTransmitSegments | kHostEcn | kReceiveSegments | kGuestEcn;
  if (!negotiate(transport, kFeatureVersion1, wanted, accepted_, usable_features)) return false;
  features_.mergeable_buffers = (accepted_ & kMergeableBuffers) != 0;
  features_.receive_checksum = (accepted_ & kGuestChecksum) != 0;
  features_.transmit_checksum = (accepted_ & kChecksum) != 0;
  features_.receive_joined = (accepted_ & kReceiveSegments) != 0;
  features_.segments_ipv4 = (accepted_ & kHostTso4) != 0;
  features_.segments_ipv6 = (accepted_ & kHostTso6) != 0;
  features_.segments_reduced = (accepted_ & kHostEcn) != 0;
  read_configuration();

  pair_count_ = std::min(wanted_pairs, most_pairs_);
  unsigned ring = static_cast<unsigned>(ring_option.get());
  ring = ring == 0 ? default_ring() : std::max(64u, std::bit_floor(ring));
  // An eighth of what is free, for all pairs together.
  const size_t budget = page_statistics().free_pages * kPageSize / 8 / pair_count_;
  for (unsigned i = 0; i < pair_count_; ++i) {
    if (!start_pair(i, ring, budget)) {
      transport.write_status(kStatusFailed);
      return false;
    }
  }
  const bool has_control = pair_count_ > 1;
  if (has_control && !start_queue(transport, static_cast<uint16_t>(2 * most_pairs_), 16,
                                  (accepted_ & kFeatureEventIndex) != 0, {}, control_))
    return false;
  transport.write_status(kStatusAcknowledge | kStatusDriver | kStatusFeaturesOk | kStatusDriverOk);
  // A device begins with one pair; the others get frames when it has agreed.
  if (has_control && !use_pairs(pair_count_)) pair_count_ = 1;
  for (unsigned i = 0; i < pair_count_; ++i) pairs_[i]->pair.start();

  const Pair& first = *pairs_[0];
  if (!first.receive.has_interrupt)
    log_warning("%s: no interrupts; the network is polled and the CPU never rests", name());
  if (!link_up_) log_warning("%s: the link is down", name());
  log_info(
      "%s: network %02x:%02x:%02x:%02x:%02x:%02x, %u queue pair%s of %u entries, %zu buffers each, "
      "features 0x%lx, ready in %lu us",
      name(), mac_[0], mac_[1], mac_[2], mac_[3], mac_[4], mac_[5], pair_count_,
      pair_count_ == 1 ? "" : "s", static_cast<unsigned>(first.receive.ring.size()),
      first.pool.count(), accepted_, tsc_to_nanoseconds(tsc_now() - start).count / 1000);
  return true;
}

NetDevice* network_device() { return the_device; }

namespace {

void find_network_device() {
  const uint64_t start = tsc_now();
  while (Transport* const transport = claim_device(DeviceType::kNetwork)) {
    log_debug("%s: found in %lu us", transport->name(),
              tsc_to_nanoseconds(tsc_now() - start).count / 1000);
    // Never freed, even when it fails: an interrupt may be connected to it.
    auto* const device = new NetDevice;
    if (device->initialise(*transport)) {
      the_device = device;
      return;
    }
  }
  log_info("no network device");
}
INIT_CALL(InitLevel::kDevice, find_network_device);

}  // namespace
}  // namespace plumbline::virtio
