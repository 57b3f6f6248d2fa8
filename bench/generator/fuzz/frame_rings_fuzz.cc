// As vring_fuzz, for the rings of frames of any length. The input is a list of writes to the
// guest's memory, in which the rings lie as well, and of what is then asked of them.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

#include "net/frame_bytes.hh"
#include "vring/frame_receive_ring.hh"
#include "vring/frame_send_ring.hh"

using namespace plumbline::generator;

namespace {

constexpr size_t kMemory = 16384;
constexpr uint64_t kGuestAddress = 0x1000;

class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool empty() const { return at_ == size_; }
  uint8_t byte() { return empty() ? uint8_t{0} : data_[at_++]; }
  uint16_t word() {
    const uint8_t low = byte();
    return static_cast<uint16_t>(low | byte() << 8);
  }

 private:
  const uint8_t* data_;
  size_t size_;
  size_t at_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  const uint8_t setup = input.byte();
  // Exactly as large as it is said to be, so that a step beyond it is seen.
  const auto bytes = std::make_unique<uint64_t[]>(kMemory / sizeof(uint64_t));
  auto* memory = reinterpret_cast<uint8_t*>(bytes.get());
  const GuestMemory guest({{kGuestAddress, kMemory, memory}});
  RingArea area;
  area.size = static_cast<uint16_t>(1 << (setup & 7));
  area.event_index = (setup & 8) != 0;
  area.header_bytes = (setup & 16) != 0 ? 12 : 10;
  area.position = {input.word(), input.word()};
  area.descriptors = reinterpret_cast<vring_desc*>(memory);
  area.available = reinterpret_cast<vring_avail*>(memory + 2048);
  area.used = reinterpret_cast<vring_used*>(memory + 2560);
  area.mergeable = (setup & 64) != 0;
  static FrameMemory frames;
  std::optional<FrameSendRing> sending;
  std::optional<FrameReceiveRing> receiving;
  if ((setup & 32) != 0) {
    sending.emplace(area, guest);
  } else {
    receiving.emplace(area, guest);
  }
  while (!input.empty()) {
    const uint8_t what = input.byte();
    if (what < 192) {
      // Mostly to the rings, and 16 bits at a time as indices and heads are.
      const size_t at =
          (what < 96 ? input.word() % 4096u : input.word()) % (kMemory - 1) & ~size_t{1};
      const uint16_t value = input.word();
      memory[at] = static_cast<uint8_t>(value);
      memory[at + 1] = static_cast<uint8_t>(value >> 8);
    } else if (sending) {
      // A frame of up to 10,000 bytes in pieces.
      plumbline::net::PacketBuffer* first = nullptr;
      plumbline::net::PacketBuffer** end = &first;
      for (int pieces = what % 8; pieces >= 0; --pieces) {
        *end = frames.allocate(1 + input.byte() * 5u);
        std::fill_n((*end)->data, (*end)->length, std::byte{what});
        end = &(*end)->next;
      }
      sending->write(*first);
      plumbline::net::release_chain(first);
      sending->publish();
      sending->tell();
    } else {
      std::array<plumbline::net::PacketBuffer*, FrameReceiveRing::kBurst> taken;
      uint64_t lost = 0;
      const uint16_t count = receiving->take(frames, taken, lost);
      for (uint16_t i = 0; i < count; ++i) plumbline::net::release_chain(taken[i]);
      receiving->tell();
    }
  }
  if (frames.small().in_use() != 0) std::abort();
  return 0;
}
