#include "port/raw_packet_port.hh"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "port/dpdk.hh"

namespace plumbline::generator {

namespace {

// Frames of 64 KiB count twice their size; those of every window that is allowed have to fit.
constexpr int kReceiveBytes = 256 << 20;

[[noreturn]] void fail(const std::string& interface, const char* what) {
  throw std::runtime_error("--device packet:" + interface + ": " + what + ": " +
                           std::system_category().message(errno));
}

void set(int socket, const std::string& interface, int level, int option, int value,
         const char* what) {
  if (setsockopt(socket, level, option, &value, sizeof value) != 0) fail(interface, what);
}

}  // namespace

RawPacketPort::RawPacketPort(const std::string& interface, int core)
    : OffloadPort(1), interface_(interface) {
  // For its clock, and so that both kinds of device run alike.
  start_dpdk(core, {});
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  if (address.sll_ifindex == 0) {
    throw std::runtime_error("--device packet:" + interface +
                             ": no such interface in this network namespace");
  }
  // No protocol until it is bound: frames of other interfaces are none of ours.
  socket_ = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (socket_ < 0) fail(interface, "packet socket");
  set(socket_, interface, SOL_PACKET, PACKET_VNET_HDR, 1, "PACKET_VNET_HDR");
  set(socket_, interface, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING");
  set(socket_, interface, SOL_PACKET, PACKET_QDISC_BYPASS, 1, "PACKET_QDISC_BYPASS");
  const int bytes = kReceiveBytes;
  // The first needs CAP_NET_ADMIN in the first user namespace; the second is cut to a limit.
  if (setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
    setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  if (setsockopt(socket_, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
    setsockopt(socket_, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  if (bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail(interface, "bind");
  for (size_t i = 0; i < kMaximumBurst; ++i) {
    waiting_[i] = memory().allocate_large();
    receive_parts_[i][0] = {&receive_headers_[i], kHeaderBytes};
    receive_parts_[i][1] = {waiting_[i]->data, FrameMemory::kMostBytes};
    receive_messages_[i].msg_hdr.msg_iov = receive_parts_[i].data();
    receive_messages_[i].msg_hdr.msg_iovlen = 2;
    send_parts_[i][0] = {&send_headers_[i], kHeaderBytes};
    send_messages_[i].msg_hdr.msg_iov = send_parts_[i].data();
  }
}

RawPacketPort::~RawPacketPort() {
  for (net::PacketBuffer* buffer : waiting_) net::release(buffer);
  close(socket_);
  stop_dpdk();
}

OffloadPort::Received RawPacketPort::receive_frames(
    std::span<net::PacketBuffer*, kMaximumBurst> to) {
  const int received =
      recvmmsg(socket_, receive_messages_.data(), kMaximumBurst, MSG_DONTWAIT, nullptr);
  if (received <= 0) return {};
  uint16_t count = 0;
  for (int i = 0; i < received; ++i) {
    const auto place = static_cast<size_t>(i);
    const unsigned bytes = receive_messages_[place].msg_len;
    if (bytes <= kHeaderBytes) continue;
    const auto length = static_cast<uint32_t>(bytes - kHeaderBytes);
    net::PacketBuffer* frame = nullptr;
    if (length <= net::BufferPool::kCapacity) {
      // A short one is copied, so that few large buffers go round and stay in the cache.
      frame = memory().allocate(length);
      if (frame != nullptr) std::memcpy(frame->data, waiting_[place]->data, length);
    } else if (net::PacketBuffer* const next = memory().allocate_large()) {
      frame = waiting_[place];
      FrameMemory::set_length(frame, length);
      waiting_[place] = next;
      receive_parts_[place][1].iov_base = next->data;
    }
    if (frame == nullptr) {
      ++own_loss_;
      continue;
    }
    describe(*frame, receive_headers_[place]);
    to[count++] = frame;
  }
  received_ += count;
  return {count, true};
}

uint16_t RawPacketPort::send_frames(std::span<net::PacketBuffer* const> frames, uint16_t) {
  uint16_t done = 0;
  while (done < frames.size()) {
    unsigned count = 0;
    for (; count < kMaximumBurst && done + count < frames.size(); ++count) {
      const net::PacketBuffer* piece = frames[done + count];
      send_headers_[count] = header_for(*piece);
      size_t parts = 1;
      for (; piece != nullptr && parts < kMostParts; piece = piece->next)
        send_parts_[count][parts++] = {piece->data, piece->length};
      send_messages_[count].msg_hdr.msg_iovlen = parts;
    }
    const int sent = sendmmsg(socket_, send_messages_.data(), count, MSG_DONTWAIT);
    if (sent <= 0) {
      if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR) break;
      // The interface is down, or refuses this frame: it is lost, as on a wire.
      ++own_loss_;
      ++done;
      continue;
    }
    done = static_cast<uint16_t>(done + sent);
    transmitted_ += static_cast<uint64_t>(sent);
  }
  return done;
}

bool RawPacketPort::link_up() const {
  ifreq request{};
  std::strncpy(request.ifr_name, interface_.c_str(), sizeof request.ifr_name - 1);
  return ioctl(socket_, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_RUNNING) != 0;
}

uint64_t RawPacketPort::take_own_loss() {
  uint64_t lost = OffloadPort::take_own_loss();
  tpacket_stats statistics{};
  socklen_t bytes = sizeof statistics;
  // Reading resets it.
  if (getsockopt(socket_, SOL_PACKET, PACKET_STATISTICS, &statistics, &bytes) == 0)
    lost += statistics.tp_drops;
  return lost;
}

}  // namespace plumbline::generator
