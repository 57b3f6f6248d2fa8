#include "port/packet_port.hh"

#include <linux/if_packet.h>
#include <net/if.h>
#include <rte_cycles.h>
#include <sys/socket.h>

#include <algorithm>
#include <stdexcept>

#include "port/dpdk.hh"

namespace plumbline::generator {

namespace {

constexpr unsigned kBuffers = 4095;
constexpr uint16_t kDescriptors = 1024;
// MTU 1500: one buffer a packet.
constexpr uint16_t kBufferBytes = 2048 + RTE_PKTMBUF_HEADROOM;
// The kernel takes what is sent within the call; a ring that stays full so long is the generator's
// failure.
constexpr double kSendDeadlineSeconds = 1e-3;

// framecnt: a ring of 4 MiB, 70 ms at 30,000 packets a second and more than any window.
std::string device_argument(const std::string& interface) {
  if (interface.find(',') != std::string::npos) {
    throw std::runtime_error("--device: '" + interface +
                             "' has a comma, which DPDK's device arguments cannot hold");
  }
  if (if_nametoindex(interface.c_str()) == 0) {
    throw std::runtime_error("--device packet:" + interface +
                             ": no such interface in this network namespace");
  }
  return "net_af_packet0,iface=" + interface + ",blocksz=65536,framesz=2048,framecnt=2048";
}

}  // namespace

PacketPort::PacketPort(const std::string& interface, int core) : Port(1) {
  start_dpdk(core, {device_argument(interface)});
  if (rte_eth_dev_count_avail() != 1)
    throw std::runtime_error("DPDK found no device for '" + interface + "'");
  receive_pool_ = rte_pktmbuf_pool_create("receive", kBuffers, 256, 0, kBufferBytes, SOCKET_ID_ANY);
  transmit_pool_ =
      rte_pktmbuf_pool_create("transmit", kBuffers, 256, 0, kBufferBytes, SOCKET_ID_ANY);
  if (receive_pool_ == nullptr || transmit_pool_ == nullptr)
    throw std::runtime_error("DPDK: no memory for buffers");
  const rte_eth_conf configuration{};
  const auto socket = static_cast<unsigned>(SOCKET_ID_ANY);
  if (rte_eth_dev_configure(id_, 1, 1, &configuration) != 0 ||
      rte_eth_rx_queue_setup(id_, 0, kDescriptors, socket, nullptr, receive_pool_) != 0 ||
      rte_eth_tx_queue_setup(id_, 0, kDescriptors, socket, nullptr) != 0 ||
      rte_eth_dev_start(id_) != 0) {
    throw std::runtime_error("DPDK cannot start the device for '" + interface + "'");
  }
  find_packet_socket();
}

PacketPort::~PacketPort() {
  rte_eth_dev_stop(id_);
  rte_eth_dev_close(id_);
  stop_dpdk();
}

// The PMD does not tell how many packets its ring had no room for, but the kernel does, for each
// socket; ours is found among this process's files.
void PacketPort::find_packet_socket() {
  for (int file = 3; file < 256; ++file) {
    int domain = 0;
    socklen_t bytes = sizeof domain;
    if (getsockopt(file, SOL_SOCKET, SO_DOMAIN, &domain, &bytes) == 0 && domain == AF_PACKET) {
      packet_socket_ = file;
      return;
    }
  }
}

Port::Burst PacketPort::receive() {
  lent_ = rte_eth_rx_burst(id_, 0, received_buffers_.data(), kMaximumBurst);
  received_ += lent_;
  for (uint16_t i = 0; i < lent_; ++i) frames_[i] = bytes_of(received_buffers_[i], i);
  return {{frames_.data(), lent_}, lent_ > 0};
}

std::span<const uint8_t> PacketPort::bytes_of(rte_mbuf* buffer, size_t place) {
  if (buffer->nb_segs == 1) [[likely]]
    return {rte_pktmbuf_mtod(buffer, const uint8_t*), buffer->data_len};
  if (linear_.empty()) linear_.resize(kMaximumBurst);
  const auto bytes = std::min<uint32_t>(buffer->pkt_len, sizeof linear_[place]);
  const void* data = rte_pktmbuf_read(buffer, 0, bytes, linear_[place].data());
  return {static_cast<const uint8_t*>(data), data == nullptr ? 0 : bytes};
}

void PacketPort::release() {
  if (lent_ > 0) rte_pktmbuf_free_bulk(received_buffers_.data(), lent_);
  lent_ = 0;
}

std::span<uint8_t* const> PacketPort::reserve(uint16_t wanted, uint16_t) {
  const uint16_t missing = wanted > prepared_ ? static_cast<uint16_t>(wanted - prepared_) : 0;
  if (missing > 0 &&
      rte_pktmbuf_alloc_bulk(transmit_pool_, &prepared_buffers_[prepared_], missing) == 0) {
    for (uint16_t i = 0; i < missing; ++i)
      room_[prepared_ + i] = rte_pktmbuf_mtod(prepared_buffers_[prepared_ + i], uint8_t*);
    prepared_ = wanted;
  }
  return {room_.data(), std::min(wanted, prepared_)};
}

void PacketPort::commit(std::span<const uint16_t> bytes, uint16_t) {
  const auto count = static_cast<uint16_t>(bytes.size());
  for (uint16_t i = 0; i < count; ++i) {
    prepared_buffers_[i]->data_len = bytes[i];
    prepared_buffers_[i]->pkt_len = bytes[i];
  }
  uint16_t sent = rte_eth_tx_burst(id_, 0, prepared_buffers_.data(), count);
  if (sent < count) [[unlikely]] {
    const uint64_t deadline = rte_rdtsc() + static_cast<uint64_t>(kSendDeadlineSeconds * tsc_hz());
    while (sent < count && rte_rdtsc() < deadline) {
      sent = static_cast<uint16_t>(sent + rte_eth_tx_burst(id_, 0, &prepared_buffers_[sent],
                                                           static_cast<uint16_t>(count - sent)));
    }
    own_loss_ += count - sent;
    rte_pktmbuf_free_bulk(&prepared_buffers_[sent], count - sent);
  }
  transmitted_ += sent;
  std::copy(prepared_buffers_.begin() + count, prepared_buffers_.begin() + prepared_,
            prepared_buffers_.begin());
  std::copy(room_.begin() + count, room_.begin() + prepared_, room_.begin());
  prepared_ = static_cast<uint16_t>(prepared_ - count);
}

bool PacketPort::link_up() const {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

uint64_t PacketPort::take_own_loss() {
  uint64_t lost = own_loss_;
  own_loss_ = 0;
  if (packet_socket_ >= 0) {
    tpacket_stats statistics{};
    socklen_t bytes = sizeof statistics;
    // Reading resets it. Packets that the socket also saw on their way out are not delivered to the
    // PMD's ring.
    if (getsockopt(packet_socket_, SOL_PACKET, PACKET_STATISTICS, &statistics, &bytes) == 0)
      lost += statistics.tp_drops;
  }
  rte_eth_stats statistics{};
  if (rte_eth_stats_get(id_, &statistics) == 0) {
    const uint64_t missed = statistics.imissed + statistics.rx_nombuf;
    if (missed > missed_) lost += missed - missed_;
    missed_ = missed;
  }
  return lost;
}

}  // namespace plumbline::generator
