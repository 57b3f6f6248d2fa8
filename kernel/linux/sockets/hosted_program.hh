// For hosted tests: a program with descriptors, files and signals, and a network to send to.
#pragma once

#include <atomic>
#include <functional>
#include <vector>

#include "linux/sockets/descriptors.hh"
#include "linux/sockets/message.hh"
#include "linux/sockets/udp_network.hh"

namespace plumbline::linux_abi {

struct HostedProgram {
  // Thread-safe: the tests' threads are the program's.
  static HostedProgram& instance();
  // No descriptors, no signals, no network. The files stay.
  void reset();

  std::vector<Ref<File>> descriptors;
  std::atomic<int> broken_pipes{0};
  ProcessCredentials credentials{100, 0, 0};

  struct Sent {
    std::uint16_t source_port;
    net::UdpEndpoint to;
    std::vector<std::byte> payload;
    net::UdpSendOptions options;
    bool at_once = false;
  };
  bool has_device = false;
  net::InterfaceConfiguration device;
  std::vector<Sent> sent;
  // What receive_from_device lets in.
  std::function<bool()> arrivals;
};

}  // namespace plumbline::linux_abi
