// A hostile network device: it fills and uses buffers of both rings as the fuzzer likes, with
// headers that state anything. Frames that come through are split as a TCP layer would and go into
// receive queues in and out of order; what a queue sends goes through the transmit ring. Whatever
// the device does, no memory is touched that is not the frame's (AddressSanitizer watches), and all
// buffers are accounted for in the end.
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "drivers/virtio/net_queue_pair.hh"
#include "drivers/virtio/simulated_device.hh"
#include "net/copy/receive_queue.hh"
#include "net/zerocopy/receive_queue.hh"
#include "net/zerocopy/send_queue.hh"

using namespace plumbline::virtio;
using plumbline::net::BufferPool;
using plumbline::net::ChecksumState;
using plumbline::net::PacketBuffer;
namespace net = plumbline::net;

namespace {

constexpr uint16_t kRing = 32;
constexpr size_t kBuffers = 96;

void require(bool condition) {
  if (!condition) std::abort();
}

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

net::tcp::MemorySource source() {
  return {[](void*, size_t bytes) { return std::aligned_alloc(bytes, bytes); },
          [](void*, void* memory, size_t) { std::free(memory); }, nullptr};
}

struct Card {
  Card(NetQueueFeatures features, bool event_index)
      : receive_memory(kRing),
        transmit_memory(kRing),
        receive_device(kRing, receive_memory.data(), event_index),
        transmit_device(kRing, transmit_memory.data(), event_index),
        area(static_cast<std::byte*>(std::aligned_alloc(64, BufferPool::bytes_needed(kBuffers)))) {
    // The simulated device takes addresses for pointers.
    pool.init({area, BufferPool::bytes_needed(kBuffers)}, reinterpret_cast<uintptr_t>(area));
    receive.init(kRing, receive_memory.data(), event_index);
    transmit.init(kRing, transmit_memory.data(), event_index);
    pair.init(receive, {&bell, 0, false}, transmit, {&bell, 1, true}, pool, features);
    pair.start();
  }
  ~Card() { std::free(area); }

  QueueMemory receive_memory;
  QueueMemory transmit_memory;
  SimulatedDevice receive_device;
  SimulatedDevice transmit_device;
  std::byte* area;
  BufferPool pool;
  SplitQueue receive;
  SplitQueue transmit;
  NetQueuePair pair;
  uint32_t bell = 0;
};

template <class ReceiveQueue>
void run(Input& input) {
  const uint32_t setup = input.number(1);
  NetQueueFeatures features;
  features.mergeable_buffers = (setup & 1) != 0;
  features.receive_checksum = (setup & 2) != 0;
  features.transmit_checksum = (setup & 4) != 0;
  features.receive_joined = (setup & 8) != 0;
  features.segments_ipv4 = (setup & 16) != 0;
  features.segments_reduced = (setup & 32) != 0;
  Card card(features, (setup & 64) != 0);
  {
    net::QueueMemory memory(card.pool, source(), 1 << 18);
    memory.set_reclaim([](void* pair) { static_cast<NetQueuePair*>(pair)->reclaim(); }, &card.pair);
    ReceiveQueue received(memory);
    net::zerocopy::SendQueue sending(memory);
    std::array<PacketBuffer*, 16> frames;
    while (!input.empty()) {
      switch (input.number(1) % 8) {
        case 0:
        case 1: {  // the device delivers a frame, or something like it
          const NetHeader header{.flags = static_cast<uint8_t>(input.number(1)),
                                 .gso_type = static_cast<uint8_t>(input.number(1)),
                                 .gso_size = static_cast<uint16_t>(input.number(1) * 8),
                                 .buffer_count = static_cast<uint16_t>(input.number(1) % 64)};
          const uint32_t buffers = 1 + input.number(1) % 4;
          for (uint32_t i = 0; i < buffers; ++i) {
            const auto chain = card.receive_device.next_available();
            if (!chain) break;
            if (i == 0)
              std::memcpy(reinterpret_cast<void*>(chain->pieces[0].address), &header,
                          sizeof header);
            card.receive_device.use(chain->head, input.number(2) % 2200);
          }
          break;
        }
        case 2:
        case 3: {
          const size_t count = card.pair.receive(std::span(frames).first(1 + input.number(1) % 16));
          for (size_t i = 0; i < count; ++i) {
            uint32_t length = 0;
            for (const PacketBuffer* piece = frames[i]; piece != nullptr; piece = piece->next)
              length += piece->length;
            if (frames[i]->checksum == ChecksumState::kJoined)
              require(features.receive_joined && frames[i]->segment_size != 0);
            const uint32_t headers = 54 + input.number(1) % 80;
            if (length <= headers) {
              net::release_chain(frames[i]);
              continue;
            }
            const uint32_t payload = 1 + input.number(2) % (length - headers);
            if (const uint32_t gap = input.number(1) % 4; gap != 0)
              (void)received.insert(gap * 700, frames[i], headers, payload);
            else
              (void)received.append(frames[i], headers, payload);
          }
          break;
        }
        case 4: {
          uint32_t sum = 0;
          const auto look = [&](std::span<const std::byte> from) {
            for (const std::byte byte : from) sum += static_cast<uint32_t>(byte);
            return from.size();
          };
          const bool peek = (input.number(1) & 1) != 0;
          received.read(input.number(2), look, peek, peek ? input.number(1) : 0);
          break;
        }
        case 5: {  // something is sent, and perhaps sent again
          const uint32_t length = input.number(2) + 1;
          if (sending.size() < 100000)
            sending.append(length, [](std::span<std::byte> to) {
              std::memset(to.data(), 's', to.size());
              return to.size();
            });
          const uint32_t offset = sending.size() / 4;
          const uint32_t part = sending.size() - offset;
          PacketBuffer* const frame = sending.make_frame(74, offset, part);
          if (frame == nullptr) break;
          std::memset(frame->data, static_cast<int>(input.number(1)), 74);
          frame->checksum = static_cast<ChecksumState>(input.number(1) % 6);
          frame->checksum_start = 34;
          frame->checksum_offset = 16;
          frame->segment_size = 1448;
          card.pair.transmit(frame);
          break;
        }
        case 6:
          sending.acknowledge(std::min(sending.size(), input.number(3)));
          break;
        default:  // the device sends, or says so
          if (input.number(1) % 8 == 0) {
            card.transmit_device.use(input.number(1) % (kRing + 1), 0);
          } else {
            while (const auto chain = card.transmit_device.next_available())
              card.transmit_device.use(chain->head, 0);
          }
      }
    }
    // At the end the device is reset, as a broken one's buffers never come back else.
    card.transmit.abandon(
        [](void* token) { net::release_chain(static_cast<PacketBuffer*>(token)); });
    card.receive.abandon([](void* token) { net::release(static_cast<PacketBuffer*>(token)); });
  }
  // Of a frame whose end never came the beginning is still there.
  require(card.pool.in_use() <= NetQueuePair::kMostPieces);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  if ((input.number(1) & 1) != 0)
    run<net::zerocopy::ReceiveQueue>(input);
  else
    run<net::copy::ReceiveQueue>(input);
  return 0;
}
