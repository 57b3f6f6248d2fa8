#include "net/stack_path.hh"

#include <algorithm>

namespace plumbline::net {

namespace {
// Frames over the loopback between two looks at whether others want the stack.
constexpr unsigned kLoopbackBurst = 64;
}  // namespace

tcp::StackConfiguration StackPath::configure(const Configuration& from, StackPath& path) {
  static_assert(Loopback::kHeaderRoom >= Interface::kTcpHeaderRoom);
  tcp::StackConfiguration stack;
  stack.send = send;
  stack.below = &path;
  if (from.ready != nullptr)
    stack.ready = [](void* self) {
      const auto& on = *static_cast<const StackPath*>(self);
      return on.ready_(on.device_);
    };
  stack.header_room = Loopback::kHeaderRoom;
  stack.maximum_payload = from.maximum_payload;
  stack.mtu = mtu;
  stack.queues = &path.memory_;
  stack.memory = from.memory;
  stack.secret = from.secret;
  stack.number = from.number;
  if (from.count > 1) stack.forward = forward;
  stack.ports.stack = from.number;
  stack.ports.stacks = from.count;
  return stack;
}

StackPath::StackPath(const Configuration& configuration, Nanoseconds now)
    : interface_(configuration.interface),
      out_(configuration.out),
      ready_(configuration.ready),
      device_(configuration.device),
      own_(interface_ == nullptr ? IpAddress::of_v6(0, 1)
                                 : IpAddress::of(interface_->configuration().address.address)),
      memory_(*configuration.pool, configuration.memory, configuration.most_bytes,
              configuration.physical),
      loopback_(memory_),
      stack_(configure(configuration, *this), now) {
  if (interface_ == nullptr) return;
  interface_->set_tcp_handler(receive, this);
  interface_->set_tcp_error_handler({report, this});
}

bool StackPath::send(void* path, PacketBuffer* frame, const tcp::FlowKey& key,
                     const tcp::SegmentToSend& segment) {
  auto& self = *static_cast<StackPath*>(path);
  if (key.remote.is_v4() && !self.is_local(key.remote) && self.interface_ != nullptr) [[likely]]
    return self.interface_->send_tcp(frame, key, segment, *self.out_);
  return self.send_otherwise(frame, key, segment);
}

[[gnu::noinline]] bool StackPath::send_otherwise(PacketBuffer* frame, const tcp::FlowKey& key,
                                                 const tcp::SegmentToSend& segment) {
  if (is_local(key.remote)) return loopback_.send(frame, key, segment);
  if (interface_ != nullptr) return interface_->send_tcp6(frame, key, segment, *out_);
  release_chain(frame);
  return false;
}

uint16_t StackPath::mtu(void* path, const tcp::FlowKey& key) {
  const auto& self = *static_cast<const StackPath*>(path);
  if (self.interface_ == nullptr || self.is_local(key.remote)) return Loopback::kMtu;
  return self.interface_->path_mtu(key.remote);
}

void StackPath::receive(void* path, PacketBuffer* frame, uint32_t offset, uint32_t length,
                        const tcp::FlowKey& addresses, bool congestion_experienced) {
  auto& self = *static_cast<StackPath*>(path);
  self.stack_.receive(frame, offset, length, addresses, congestion_experienced, self.now_);
}

bool StackPath::forward(void* path, PacketBuffer* frame, unsigned stack) {
  auto& self = *static_cast<StackPath*>(path);
  if (stack >= kMostStacks || self.channels_[stack] == nullptr) return false;
  self.channels_[stack]->send(frame);
  self.forwarded_ |= uint32_t{1} << stack;
  return true;
}

void StackPath::receive_forwarded(std::span<PacketBuffer* const> frames, Nanoseconds now) {
  begin(now);
  // What the device's burst has left to be joined is not forwarded.
  stack_.flush(now);
  stack_.set_forwarded(true);
  interface_->receive(frames, *out_);
  // What was joined is forwarded, too.
  stack_.flush(now);
  stack_.set_forwarded(false);
}

bool StackPath::report(void* path, const IcmpError& error) {
  auto& self = *static_cast<StackPath*>(path);
  const tcp::FlowKey key{error.local, error.remote, error.local_port, error.remote_port,
                         Interface::zone_of(error.remote)};
  const tcp::Sequence sequence{error.sequence};
  if (error.error == Errno::kEMSGSIZE)
    return self.stack_.packet_too_big(key, error.mtu, sequence, self.now_);
  // As on Linux every such message ends a connection that is being opened: who waits for connect()
  // wants to know (RFC 5461, section 4).
  return self.stack_.unreachable(key, error.error, true, sequence, self.now_);
}

bool StackPath::finish_loopback(Nanoseconds now) {
  const bool more = loopback_.deliver(stack_, now, kLoopbackBurst);
  if (out_ != nullptr && out_->size() != 0) out_->flush();
  return more;
}

void StackPath::run_timers(Nanoseconds now) {
  if (stack_.soonest_timer() <= now) stack_.run_timers(now);
}

}  // namespace plumbline::net
