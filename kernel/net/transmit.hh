// The packets that the protocol code wants sent, gathered for the driver's next burst.
#pragma once

#include <array>
#include <span>

#include "net/packet_buffer.hh"

namespace plumbline::net {

// An ordered list of frames to send. When it runs full, or buffers run out, `flush` is called: it
// gives the frames to the device, takes back what the device has sent, and returns with the list
// empty. That is the rare path (long answers); a burst's answers fit.
class Transmit {
 public:
  static constexpr size_t kCapacity = 128;
  using Flush = void (*)(void* context, std::span<PacketBuffer* const> packets);

  Transmit(Flush send, void* context) : flush_(send), context_(context) {}
  Transmit(const Transmit&) = delete;
  Transmit& operator=(const Transmit&) = delete;

  // Takes over `buffer`.
  void push(PacketBuffer* buffer) {
    if (count_ == kCapacity) [[unlikely]]
      flush();
    packets_[count_++] = buffer;
  }
  // Hands everything over now; packets is empty when nothing waited (the callee then only takes
  // back sent buffers).
  void flush() {
    const size_t count = count_;
    count_ = 0;
    flush_(context_, {packets_.data(), count});
  }
  size_t size() const { return count_; }

 private:
  size_t count_ = 0;
  Flush flush_;
  void* context_;
  std::array<PacketBuffer*, kCapacity> packets_;
};

}  // namespace plumbline::net
