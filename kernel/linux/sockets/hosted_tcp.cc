// For hosted tests: a TCP stack with nothing but a loopback. A thread of its own runs the timers.
#include "linux/sockets/hosted_tcp.hh"

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/clock.hh"
#include "linux/sockets/tcp_network.hh"
#include "net/stack_path.hh"
#include "net/tcp/test_memory.hh"

namespace plumbline::linux_abi {

namespace {

struct HostedTcp {
  static constexpr std::size_t kBuffers = 1024;

  HostedTcp() : bytes(net::BufferPool::bytes_needed(kBuffers) + 64) {
    const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
    pool.init(std::span(bytes).subspan((64 - address % 64) % 64), 0);
    net::StackPath::Configuration configuration;
    configuration.pool = &pool;
    configuration.memory = memory.source();
    configuration.secret = {{1, 2}};
    path = std::make_unique<net::StackPath>(configuration, monotonic_now());
  }
  void start_timers() {
    timers = std::thread([this] {
      while (!over.load(std::memory_order_relaxed)) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        const TcpHold hold(0);
      }
    });
  }
  void stop_timers() {
    over.store(true, std::memory_order_relaxed);
    timers.join();
  }

  std::mutex lock;
  std::vector<std::byte> bytes;
  net::tcp::TestMemory memory;
  net::BufferPool pool;
  std::unique_ptr<net::StackPath> path;
  std::atomic<bool> over{false};
  std::thread timers;
};

std::unique_ptr<HostedTcp> network;

}  // namespace

void start_hosted_tcp() {
  network = std::make_unique<HostedTcp>();
  network->start_timers();
}

std::uint32_t stop_hosted_tcp() {
  std::uint32_t connections;
  {
    TcpHold hold(0);
    connections = hold.stack().connections();
  }
  network->stop_timers();
  network.reset();
  return connections;
}

Status start_tcp() { return network ? Status() : Errno::kENOMEM; }
unsigned tcp_stack_count() { return 1; }
unsigned tcp_local_stack() { return 0; }

TcpHold::TcpHold(unsigned) {
  network->lock.lock();
  stack_ = &network->path->stack();
  now_ = monotonic_now();
}

TcpHold::~TcpHold() {
  network->path->run_timers(now_);
  while (network->path->finish(now_)) {
  }
  network->lock.unlock();
}

Result<net::IpAddress> tcp_source(const net::IpAddress& to, const net::IpAddress&) {
  if (!to.is_loopback()) return Errno::kENETUNREACH;
  return to;
}
bool is_own_address(const net::IpAddress& address) { return address.is_loopback(); }

}  // namespace plumbline::linux_abi
