#include "network/port.hh"

#include <linux/if_packet.h>
#include <net/if.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_version.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <vector>

namespace plumbline::generator {

namespace {

constexpr unsigned kReceiveBuffers = 4095;
constexpr unsigned kTransmitBuffers = 4095;
constexpr uint16_t kDescriptors = 1024;
// Guests have MTU 1500: one buffer a packet.
constexpr uint16_t kBufferBytes = 2048 + RTE_PKTMBUF_HEADROOM;

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

void start_dpdk(const DeviceDescription& device, int core) {
  const std::string device_argument =
      device.kind == DeviceKind::kVhost
          ? "net_vhost0,iface=" + device.path + ",queues=" + std::to_string(device.queues)
          // framecnt: a ring of 4 MiB, 70 ms at 30,000 packets a second and more than any window.
          : "net_af_packet0,iface=" + device.path + ",blocksz=65536,framesz=2048,framecnt=2048";
  std::vector<std::string> arguments = {"plumbline-generator",
                                        "--lcores",
                                        "0@" + std::to_string(core),
                                        "--no-huge",
                                        "--no-shconf",
                                        "-m",
                                        "256",
                                        "--no-pci",
                                        "--no-telemetry",
                                        "--file-prefix",
                                        "plumbline-" + std::to_string(getpid()),
                                        "--log-level",
                                        "lib.*:warning",
                                        "--log-level",
                                        "pmd.*:warning",
                                        "--vdev",
                                        device_argument};
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  rte_openlog_stream(stderr);
  if (rte_eal_init(static_cast<int>(pointers.size()), pointers.data()) < 0) {
    throw std::runtime_error(std::string("DPDK does not start: ") + rte_strerror(rte_errno));
  }
  // Without shared configuration, multi-process sockets and telemetry nothing is ever put there;
  // removed now, nothing stays behind even when this process is killed.
  std::error_code ignored;
  std::filesystem::remove(rte_eal_get_runtime_dir(), ignored);
}

}  // namespace

Port::Port(const DeviceDescription& device, int core) : device_(device) {
  if (device.path.find(',') != std::string::npos) {
    throw std::runtime_error("--device: '" + device.path +
                             "' has a comma, which DPDK's device arguments cannot hold");
  }
  if (device.kind == DeviceKind::kVhost) {
    clear_stale_socket(device.path);
  } else if (if_nametoindex(device.path.c_str()) == 0) {
    throw std::runtime_error("--device packet:" + device.path +
                             ": no such interface in this network namespace");
  }
  start_dpdk(device, core);
  if (rte_eth_dev_count_avail() != 1)
    throw std::runtime_error("DPDK found no device for '" + device.path + "'");

  receive_pool_ =
      rte_pktmbuf_pool_create("receive", kReceiveBuffers, 256, 0, kBufferBytes, SOCKET_ID_ANY);
  transmit_pool_ =
      rte_pktmbuf_pool_create("transmit", kTransmitBuffers, 256, 0, kBufferBytes, SOCKET_ID_ANY);
  if (receive_pool_ == nullptr || transmit_pool_ == nullptr)
    throw std::runtime_error("DPDK: no memory for buffers");

  rte_eth_dev_info info{};
  rte_eth_dev_info_get(id_, &info);
  rte_eth_conf configuration{};
  // The guest's checksums are left as they came, complete or for a device to complete; otherwise
  // the PMD would compute them here, on the generator's time. network/frame.hh knows both.
  configuration.rxmode.offloads =
      info.rx_offload_capa & (RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM);
  if (rte_eth_dev_configure(id_, device.queues, device.queues, &configuration) != 0 ||
      !set_up_queues() || rte_eth_dev_start(id_) != 0) {
    throw std::runtime_error("DPDK cannot start the device for '" + device.path + "'");
  }
  if (device.kind == DeviceKind::kPacket) find_packet_socket();
}

bool Port::set_up_queues() {
  const auto socket = static_cast<unsigned>(SOCKET_ID_ANY);
  for (uint16_t queue = 0; queue < device_.queues; ++queue) {
    if (rte_eth_rx_queue_setup(id_, queue, kDescriptors, socket, nullptr, receive_pool_) != 0 ||
        rte_eth_tx_queue_setup(id_, queue, kDescriptors, socket, nullptr) != 0)
      return false;
  }
  return true;
}

Port::~Port() {
  rte_eth_dev_stop(id_);
  rte_eth_dev_close(id_);
  rte_eal_cleanup();
}

std::string Port::dpdk_version() { return rte_version(); }
double Port::tsc_hz() { return static_cast<double>(rte_get_tsc_hz()); }

// The PMD does not tell how many packets its ring had no room for, but the kernel does, for each
// socket; ours is found among this process's files.
void Port::find_packet_socket() {
  for (int file = 3; file < 256; ++file) {
    int domain = 0;
    socklen_t bytes = sizeof domain;
    if (getsockopt(file, SOL_SOCKET, SO_DOMAIN, &domain, &bytes) == 0 && domain == AF_PACKET) {
      packet_socket_ = file;
      return;
    }
  }
}

uint16_t Port::transmit_damaged(rte_mbuf** buffers, uint16_t count, uint16_t queue) {
  for (uint16_t i = 0; i < count; ++i) {
    switch (damage_->next()) {
      case Damage::Fate::kDropped:
        rte_pktmbuf_free(buffers[i]);
        continue;
      case Damage::Fate::kCut:
        rte_pktmbuf_trim(buffers[i],
                         static_cast<uint16_t>(buffers[i]->data_len -
                                               damage_->cut_length(buffers[i]->data_len)));
        break;
      case Damage::Fate::kIntact:
        break;
    }
    if (rte_eth_tx_burst(id_, queue, &buffers[i], 1) == 0) return i;
    ++transmitted_;
  }
  return count;
}

bool Port::send_copy(std::span<const uint8_t> frame) {
  rte_mbuf* buffer = nullptr;
  if (!allocate(&buffer, 1)) return false;
  std::memcpy(rte_pktmbuf_mtod(buffer, void*), frame.data(), frame.size());
  buffer->data_len = static_cast<uint16_t>(frame.size());
  buffer->pkt_len = static_cast<uint32_t>(frame.size());
  if (transmit(&buffer, 1) == 1) return true;
  rte_pktmbuf_free(buffer);
  return false;
}

bool Port::link_up() const {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

uint64_t Port::take_own_loss() {
  uint64_t lost = 0;
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
