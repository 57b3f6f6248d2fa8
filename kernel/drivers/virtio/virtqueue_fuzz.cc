// The device's half of the shared memory is the fuzzer's: it may write anything anywhere in the
// rings at any time. Whatever it does, the queue gives each token back at most once, never with
// more bytes than were offered, and touches no memory of its own out of bounds (AddressSanitizer
// watches).
#include <array>
#include <cstdlib>
#include <cstring>
#include <unordered_map>

#include "drivers/virtio/simulated_device.hh"
#include "drivers/virtio/split_queue.hh"

using namespace plumbline::virtio;

namespace {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool empty() const { return at_ >= size_; }
  uint32_t number(size_t bytes) {
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; ++i)
      value |= uint32_t{at_ < size_ ? data_[at_++] : uint8_t{0}} << 8 * i;
    return value;
  }

 private:
  const uint8_t* data_;
  size_t size_;
  size_t at_ = 0;
};

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  const uint8_t setup = static_cast<uint8_t>(input.number(1));
  const uint16_t entries = static_cast<uint16_t>(1 << (setup & 7));
  const bool event_index = (setup & 8) != 0;
  QueueMemory memory(entries);
  const SplitLayout layout = split_layout(entries);
  SplitQueue queue;
  queue.init(entries, memory.data(), event_index);
  SimulatedDevice device(entries, memory.data(), event_index);
  std::unordered_map<uintptr_t, uint32_t> outstanding;  // token: writable bytes
  uintptr_t next = 1;
  std::array<Completion, 16> done;

  while (!input.empty()) {
    switch (input.number(1) % 8) {
      case 0: {
        const uint32_t length = input.number(2);
        if (queue.add_writable({next << 12, length}, reinterpret_cast<void*>(next)))
          outstanding[next++] = length;
        break;
      }
      case 1: {
        const size_t readable = input.number(1) % 3;
        const size_t writable = input.number(1) % 3;
        if (readable + writable == 0) break;
        const std::array<Segment, 2> out{{{1, 10}, {2, 20}}};
        const std::array<Segment, 2> in{{{3, 30}, {4, 40}}};
        if (queue.add(std::span(out).first(readable), std::span(in).first(writable),
                      reinterpret_cast<void*>(next)))
          outstanding[next++] = writable == 0 ? 0 : writable == 1 ? 30 : 70;
        break;
      }
      case 2:
        (void)queue.publish();
        break;
      case 3: {
        const size_t count = queue.take_used(std::span(done).first(1 + input.number(1) % 16));
        for (size_t i = 0; i < count; ++i) {
          const auto it = outstanding.find(reinterpret_cast<uintptr_t>(done[i].token));
          require(it != outstanding.end());
          require(done[i].length <= it->second);
          outstanding.erase(it);
        }
        break;
      }
      case 4:
        (void)queue.arm_interrupt();
        if (input.number(1) % 2) queue.disarm_interrupt();
        break;
      case 5:
        device.use(input.number(1) % (entries + 1u), input.number(2));
        break;
      case 6: {  // scribble over the used ring, the device's own part
        const size_t length = layout.bytes - layout.used;
        const size_t at = layout.used + input.number(2) % (length - 4);
        const uint32_t value = input.number(4);
        std::memcpy(memory.data() + at, &value, 4);
        break;
      }
      default: {  // and over anything else, which it can do as well
        const size_t at = input.number(2) % (memory.size() - 4);
        const uint32_t value = input.number(4);
        std::memcpy(memory.data() + at, &value, 4);
        break;
      }
    }
    if (queue.broken() == nullptr) {
      require(queue.in_flight() == outstanding.size());
      require(queue.free_descriptors() <= entries);
    }
  }
  size_t home = 0;
  queue.abandon([&](void* token) {
    require(outstanding.erase(reinterpret_cast<uintptr_t>(token)) == 1);
    ++home;
  });
  require(outstanding.empty());
  return 0;
}
