#include "linux/sockets/hosted_program.hh"

#include "fs/file_system.hh"
#include "fs/root.hh"
#include "sync/lock_guard.hh"
#include "sync/mutex.hh"

namespace plumbline::linux_abi {

namespace {
Mutex lock;
}

HostedProgram& HostedProgram::instance() {
  static HostedProgram program;
  static const bool rooted = [] {
    (void)make_root();
    return true;
  }();
  (void)rooted;
  return program;
}

void HostedProgram::reset() {
  descriptors.clear();
  broken_pipes = 0;
  credentials = {100, 0, 0};
  has_device = false;
  device = {};
  device.address = {net::Ipv4Address::of(10, 9, 0, 2), 24};
  sent.clear();
  arrivals = nullptr;
}

Result<int> install_descriptor(Ref<File> file, bool) {
  const LockGuard guard(lock);
  auto& descriptors = HostedProgram::instance().descriptors;
  descriptors.push_back(std::move(file));
  return static_cast<int>(descriptors.size() - 1);
}

void close_descriptor(int descriptor) {
  const LockGuard guard(lock);
  HostedProgram::instance().descriptors[static_cast<std::size_t>(descriptor)] = {};
}

Result<Ref<File>> file_of(int descriptor) {
  const LockGuard guard(lock);
  auto& descriptors = HostedProgram::instance().descriptors;
  const auto index = static_cast<std::size_t>(descriptor);
  if (descriptor < 0 || index >= descriptors.size() || !descriptors[index]) return Errno::kEBADF;
  return descriptors[index];
}

File* retain_file(int descriptor) {
  auto file = file_of(descriptor);
  return file ? file->leak() : nullptr;
}

PathStart path_start() {
  HostedProgram::instance();
  return {root_vnode(), {}, 022};
}

void raise_broken_pipe() { ++HostedProgram::instance().broken_pipes; }

ProcessCredentials current_credentials() { return HostedProgram::instance().credentials; }

const net::InterfaceConfiguration* device_network() {
  HostedProgram& program = HostedProgram::instance();
  return program.has_device ? &program.device : nullptr;
}

bool send_by_device(std::uint16_t source_port, net::UdpEndpoint to,
                    std::span<const std::byte> payload, const net::UdpSendOptions& options) {
  const LockGuard guard(lock);
  HostedProgram::instance().sent.push_back(
      {source_port, to, {payload.begin(), payload.end()}, options});
  return true;
}

std::ptrdiff_t send_by_device_at_once(std::uint16_t source_port, net::UdpEndpoint to,
                                      net::Interface::PayloadWriter write, void* context) {
  HostedProgram& program = HostedProgram::instance();
  if (!program.has_device || !program.device.address.contains(to.address) ||
      to.address == program.device.address.address ||
      program.device.address.is_broadcast(to.address))
    return -1;
  // The device's largest packet (an MTU of 1500).
  constexpr std::size_t kMost = 1472;
  std::vector<std::byte> payload(kMost);
  const std::byte* const end = write(context, payload.data(), kMost);
  if (end == nullptr) return -1;
  const std::ptrdiff_t length = end - payload.data();
  payload.resize(static_cast<std::size_t>(length));
  const LockGuard guard(lock);
  program.sent.push_back({source_port, to, std::move(payload), {}, true});
  return length;
}

std::uint16_t path_mtu(net::Ipv4Address) { return HostedProgram::instance().device.mtu; }

bool receive_from_device() {
  const auto& arrivals = HostedProgram::instance().arrivals;
  return arrivals && arrivals();
}

}  // namespace plumbline::linux_abi
