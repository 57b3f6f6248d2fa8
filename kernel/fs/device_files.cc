#include "fs/device_files.hh"

#include <atomic>
#include <utility>

namespace plumbline {
namespace {

struct Device {
  std::uint64_t number;
  OpenDevice open;
};
constexpr unsigned kMostDevices = 16;
Device devices[kMostDevices];
std::atomic<unsigned> device_count{0};

}  // namespace

bool register_device(std::uint64_t device, OpenDevice open) {
  const unsigned count = device_count.load(std::memory_order_relaxed);
  if (count == kMostDevices) return false;
  devices[count] = {device, open};
  // Release: who sees the count sees the entry.
  device_count.store(count + 1, std::memory_order_release);
  return true;
}

Result<Ref<File>> open_device(Ref<Vnode> node, std::uint64_t device, std::uint32_t flags) {
  const unsigned count = device_count.load(std::memory_order_acquire);
  for (unsigned i = 0; i < count; ++i) {
    if (devices[i].number == device) return devices[i].open(std::move(node), flags);
  }
  return Errno::kENXIO;
}

}  // namespace plumbline
