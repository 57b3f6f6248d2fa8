// The one port of the generator: what the polling loop sees of it. Frames are lent, not copied: a
// received one lies where the peer has written it, one to send is written where the peer reads it,
// when the kind of port allows.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>

namespace plumbline::generator {

enum class DeviceKind { kVhost, kPacket };

struct DeviceDescription {
  DeviceKind kind = DeviceKind::kVhost;
  std::string path;     // socket or interface
  uint16_t queues = 1;  // of vhost: queue pairs offered to the guest
};

class Port {
 public:
  static constexpr uint16_t kMaximumBurst = 64;
  static constexpr size_t kMaximumFrame = 1514;

  explicit Port(uint16_t queues) : queues_(queues) {}
  virtual ~Port() = default;
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  uint16_t queues() const { return queues_; }

  struct Burst {
    std::span<const std::span<const uint8_t>> frames;
    bool busy = false;  // there was work, with or without a frame to show for it
  };
  // At most kMaximumBurst frames, good until release(), which has to follow. Queues take turns. The
  // bytes are the peer's, which may change them any time.
  virtual Burst receive() = 0;
  virtual void release() = 0;

  // Room for up to `wanted` (at most kMaximumBurst) frames of kMaximumFrame bytes to that queue;
  // fewer when there is no more. Asking takes nothing; the room is good until the next call for
  // that queue or receive().
  virtual std::span<uint8_t* const> reserve(uint16_t wanted, uint16_t queue) = 0;
  // Sends the first frames of the room, `bytes` of each.
  virtual void commit(std::span<const uint16_t> bytes, uint16_t queue) = 0;

  // Sends one frame that the caller has at hand; false when there is no room now.
  bool send_copy(std::span<const uint8_t> frame) {
    const std::span<uint8_t* const> room = reserve(1, 0);
    if (room.empty()) return false;
    std::memcpy(room[0], frame.data(), frame.size());
    const auto bytes = static_cast<uint16_t>(frame.size());
    commit({&bytes, 1}, 0);
    return true;
  }

  virtual bool link_up() const = 0;
  // Packets that the generator itself lost since the last call.
  virtual uint64_t take_own_loss() = 0;
  uint64_t received() const { return received_; }
  uint64_t transmitted() const { return transmitted_; }

 protected:
  uint64_t received_ = 0;
  uint64_t transmitted_ = 0;

 private:
  uint16_t queues_;
};

// Sets DPDK up on `core` (the calling thread is pinned to it) and opens the device. Throws
// std::runtime_error.
std::unique_ptr<Port> open_port(const DeviceDescription& device, int core);

}  // namespace plumbline::generator
