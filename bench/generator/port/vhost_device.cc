#include "port/vhost_device.hh"

#include <rte_vhost.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <thread>

namespace plumbline::generator {

namespace {

constexpr uint64_t bit(unsigned feature) { return uint64_t{1} << feature; }

// virtio 1.2: 5.1.3 (network device) and 6 (reserved feature bits). Without TCP there is nothing to
// segment, and packed rings are another layout.
constexpr uint64_t kNotOffered = bit(12) | bit(13) | bit(14) |  // HOST_TSO6, ECN, UFO
                                 bit(8) | bit(9) | bit(10) |    // the same to the guest
                                 bit(34) | bit(35);             // RING_PACKED, IN_ORDER
constexpr uint64_t kGuestTakesPartialChecksums = bit(1);
constexpr uint64_t kGuestTakesSegments = bit(7);
constexpr uint64_t kSegmentation = kGuestTakesSegments | bit(11);  // and HOST_TSO4
constexpr uint64_t kMergeableBuffers = bit(15);
constexpr uint64_t kEventIndex = bit(29);
constexpr uint64_t kVersion1 = bit(32);

// vhost-user protocol, "Front-end message types".
constexpr uint32_t kSetMemTable = 5;

constexpr auto kAdoptionDeadline = std::chrono::seconds(30);

// rte_vhost's callbacks carry a number and no pointer; a process has one port.
VhostDevice* the_device = nullptr;

// A socket file that nobody listens on is left from a process that was killed; one that is listened
// on is in use.
void clear_stale_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw std::runtime_error("--device vhost:" + path + ": a socket's path has at most " +
                             std::to_string(sizeof address.sun_path - 1) + " bytes");
  }
  if (!std::filesystem::exists(path)) return;
  if (!std::filesystem::is_socket(path))
    throw std::runtime_error("--device vhost:" + path + ": exists and is no socket");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool in_use =
      connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(probe);
  if (in_use)
    throw std::runtime_error("--device vhost:" + path + ": another process listens there");
  std::filesystem::remove(path);
}

uint32_t message_kind(const void* message) {
  uint32_t kind = 0;  // a message begins with its kind
  std::memcpy(&kind, message, sizeof kind);
  return kind;
}

}  // namespace

struct VhostCallbacks {
  static int new_connection(int id) {
    the_device->connection_came();
    static const rte_vhost_user_extern_ops messages = {.pre_msg_handle = before_message,
                                                       .post_msg_handle = after_message};
    return rte_vhost_extern_callback_register(id, &messages, nullptr);
  }
  static rte_vhost_msg_result before_message(int id, void* message) {
    if (message_kind(message) == kSetMemTable) the_device->memory_changes(id);
    return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
  }
  static rte_vhost_msg_result after_message(int id, void* message) {
    if (message_kind(message) == kSetMemTable) the_device->memory_changed(id);
    return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
  }
  static int new_device(int id) { return the_device->guest_came(id) ? 0 : -1; }
  static void destroy_device(int id) { the_device->guest_went(id); }
  static int vring_state_changed(int id, uint16_t ring, int enabled) {
    the_device->ring_changed(id, ring, enabled != 0);
    return 0;
  }
};

VhostDevice::VhostDevice(std::string path, uint16_t queues, bool segmentation)
    : path_(std::move(path)),
      ring_count_(static_cast<uint16_t>(2 * queues)),
      positions_(ring_count_),
      enabled_(ring_count_, false) {
  offered_.rings.resize(ring_count_);
  clear_stale_socket(path_);
  the_device = this;
  static const rte_vhost_device_ops callbacks = {
      .new_device = VhostCallbacks::new_device,
      .destroy_device = VhostCallbacks::destroy_device,
      .vring_state_changed = VhostCallbacks::vring_state_changed,
      .features_changed = nullptr,
      .new_connection = VhostCallbacks::new_connection,
      .destroy_connection = nullptr,
      .guest_notified = nullptr,
      .reserved = {nullptr}};
  if (rte_vhost_driver_register(path_.c_str(), 0) != 0 ||
      rte_vhost_driver_disable_features(
          path_.c_str(), segmentation ? kNotOffered : kNotOffered | kSegmentation) != 0 ||
      rte_vhost_driver_callback_register(path_.c_str(), &callbacks) != 0 ||
      rte_vhost_driver_start(path_.c_str()) != 0) {
    throw std::runtime_error("--device vhost:" + path_ + ": DPDK cannot listen there");
  }
}

VhostDevice::~VhostDevice() {
  // Nobody polls any more: nobody has to be waited for.
  closing_.store(true);
  rte_vhost_driver_unregister(path_.c_str());
  the_device = nullptr;
}

VhostDevice::State VhostDevice::adopt(const std::vector<std::optional<RingPosition>>& positions) {
  const std::lock_guard lock(mutex_);
  for (size_t ring = 0; ring < positions.size(); ++ring) {
    if (!positions[ring]) continue;
    positions_[ring] = positions[ring];
    // A ring that was ours all the time goes on where it is.
    if (offered_.rings[ring]) offered_.rings[ring]->position = *positions[ring];
  }
  // Release: what was done to the guest's memory is done.
  adopted_.store(generation_.load(std::memory_order_relaxed), std::memory_order_release);
  return offered_;
}

void VhostDevice::offer(State state) {
  const std::lock_guard lock(mutex_);
  for (size_t ring = 0; ring < state.rings.size(); ++ring) {
    if (state.rings[ring] && positions_[ring]) state.rings[ring]->position = *positions_[ring];
  }
  offered_ = std::move(state);
  generation_.fetch_add(1, std::memory_order_release);
}

void VhostDevice::wait_until_adopted() {
  const uint32_t wanted = generation_.load();
  const auto deadline = std::chrono::steady_clock::now() + kAdoptionDeadline;
  while (!closing_.load() && adopted_.load(std::memory_order_acquire) != wanted) {
    if (std::chrono::steady_clock::now() > deadline) {
      // Going on would unmap memory that may be in use.
      std::fprintf(stderr, "plumbline-generator: the polling thread does not let go of a guest\n");
      std::abort();
    }
    std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
}

std::optional<RingArea> VhostDevice::describe(int id, uint16_t ring,
                                              const GuestMemory& memory) const {
  rte_vhost_vring vring{};
  uint64_t features = 0;
  RingArea area;
  if (rte_vhost_get_vhost_vring(id, ring, &vring) != 0 || vring.desc == nullptr ||
      vring.avail == nullptr || vring.used == nullptr || vring.size == 0 ||
      (vring.size & (vring.size - 1)) != 0 ||
      rte_vhost_get_negotiated_features(id, &features) != 0 ||
      rte_vhost_get_vring_base(id, ring, &area.position.available, &area.position.used) != 0) {
    return std::nullopt;
  }
  // Flags, index and the other side's event index around the entries (virtio 1.2, 2.7.6 and 2.7.8).
  if (!memory.contains(vring.desc, sizeof(vring_desc) * vring.size) ||
      !memory.contains(vring.avail, 6 + sizeof(uint16_t) * vring.size) ||
      !memory.contains(vring.used, 6 + sizeof(vring_used_elem) * vring.size))
    return std::nullopt;
  area.descriptors = vring.desc;
  area.available = vring.avail;
  area.used = vring.used;
  area.size = vring.size;
  area.call_file = vring.callfd;
  area.event_index = (features & kEventIndex) != 0;
  area.mergeable = (features & kMergeableBuffers) != 0;
  area.takes_partial_checksums = (features & kGuestTakesPartialChecksums) != 0;
  area.takes_segments = (features & kGuestTakesSegments) != 0;
  area.header_bytes =
      (features & (kVersion1 | kMergeableBuffers)) != 0 ? kLongHeader : kLegacyHeader;
  return area;
}

void VhostDevice::memory_changed(int id) {
  if (live_ != id) return;
  rte_vhost_memory* table = nullptr;
  if (rte_vhost_get_mem_table(id, &table) != 0) return;
  std::vector<MemoryRegion> regions;
  for (uint32_t i = 0; i < table->nregions; ++i) {
    const rte_vhost_mem_region& region = table->regions[i];
    regions.push_back(
        {region.guest_phys_addr, region.size, reinterpret_cast<uint8_t*>(region.host_user_addr)});
  }
  std::free(table);
  State state{GuestMemory(std::move(regions)), {}};
  for (uint16_t ring = 0; ring < ring_count_; ++ring)
    state.rings.push_back(enabled_[ring] ? describe(id, ring, state.memory) : std::nullopt);
  offer(std::move(state));
}

void VhostDevice::memory_changes(int id) {
  if (live_ != id) return;
  offer({{}, std::vector<std::optional<RingArea>>(ring_count_)});
  wait_until_adopted();
}

void VhostDevice::ring_changed(int id, uint16_t ring, bool enabled) {
  if (ring >= ring_count_ || (live_ && live_ != id)) return;
  enabled_[ring] = enabled;
  if (!live_) return;
  memory_changed(id);
  if (!enabled) wait_until_adopted();
}

// A guest that was killed has not said that its rings end.
void VhostDevice::connection_came() {
  if (!live_) enabled_.assign(ring_count_, false);
}

// One guest at a time: a second one on the socket is turned away.
bool VhostDevice::guest_came(int id) {
  if (live_) return false;
  {
    const std::lock_guard lock(mutex_);
    positions_.assign(ring_count_, std::nullopt);
  }
  live_ = id;
  memory_changed(id);
  connected_.store(true);
  return true;
}

void VhostDevice::guest_went(int id) {
  if (live_ != id) return;
  connected_.store(false);
  memory_changes(id);
  live_.reset();
  // The next guest, or the same one after a reset of its device, is told where this one stopped.
  const std::lock_guard lock(mutex_);
  for (uint16_t ring = 0; ring < ring_count_; ++ring) {
    if (!positions_[ring]) continue;
    rte_vhost_set_vring_base(id, ring, positions_[ring]->available, positions_[ring]->used);
    positions_[ring].reset();
  }
}

}  // namespace plumbline::generator
