#include "net/simulator/host.hh"

#include <algorithm>
#include <cstdlib>

namespace plumbline::net::simulator {
namespace {

// Pages from malloc, counted so that what is not returned is noticed.
void* allocate_pages(void* context, size_t bytes) {
  void* const memory = std::aligned_alloc(std::min<size_t>(bytes, 65536), bytes);
  if (memory == nullptr) return nullptr;
  *static_cast<size_t*>(context) += bytes;
  // Nothing may rely on memory being zero at first.
  std::memset(memory, 0xa5, bytes);
  return memory;
}
void release_pages(void* context, void* memory, size_t bytes) {
  *static_cast<size_t*>(context) -= bytes;
  std::free(memory);
}

}  // namespace

Host::Host(std::string name, Side side, EventQueue& queue, WireJudge& judge, Violations& violations,
           const HostOptions& options, Random random, std::function<void(Frame)> transmit)
    : name_(std::move(name)),
      side_(side),
      queue_(queue),
      judge_(judge),
      violations_(violations),
      options_(options),
      transmit_(std::move(transmit)),
      pool_memory_(BufferPool::bytes_needed(options.buffers)) {
  pool_.init(pool_memory_.span().first(BufferPool::bytes_needed(options.buffers)), 0);
  memory_.emplace(pool_, tcp::MemorySource{allocate_pages, release_pages, &pages_out_},
                  options.page_bytes);
  tcp::StackConfiguration configuration;
  configuration.settings = options.settings;
  configuration.secret = {random.next(), random.next()};
  configuration.queues = &*memory_;
  configuration.memory = {allocate_pages, release_pages, &pages_out_};
  configuration.send = send;
  configuration.below = this;
  configuration.header_room = NetworkLayer::kHeaderRoom;
  configuration.maximum_payload = {options.segmentation, options.segmentation};
  configuration.mtu = [](void* self, const tcp::FlowKey&) {
    return static_cast<Host*>(self)->options_.mtu;
  };
  stack_ = std::make_unique<tcp::Stack>(configuration, queue.now());
}

Host::~Host() = default;

bool Host::send(void* self, PacketBuffer* frame, const tcp::FlowKey& key,
                const tcp::SegmentToSend& segment) {
  Host& host = *static_cast<Host*>(self);
  std::vector<Frame> frames;
  host.network_.emit(*frame, key, segment, frames);
  net::release_chain(frame);
  for (Frame& one : frames) {
    host.judge_.sent(host.side_, one, host.queue_.now());
    host.transmit_(std::move(one));
  }
  return true;
}

void Host::arrive(Frame frame) {
  arrived_.push_back(std::move(frame));
  if (arrived_.size() == 1) queue_.after(options_.interrupt_delay, [this] { handle_burst(); });
}

void Host::handle_burst() {
  const Nanoseconds now = queue_.now();
  const std::vector<Frame> burst = std::move(arrived_);
  arrived_.clear();
  for (const Frame& frame : burst) {
    PacketBuffer* const buffer = frame.size() <= BufferPool::kCapacity ? pool_.allocate() : nullptr;
    if (buffer == nullptr) {
      // As a card whose ring is empty.
      ++overruns_;
      continue;
    }
    judge_.received(side_, frame, now);
    std::memcpy(buffer->data, frame.data(), frame.size());
    buffer->length = static_cast<uint32_t>(frame.size());
    const auto where = NetworkLayer::parse(buffer->bytes());
    if (!where) {
      pool_.release(buffer);
      continue;
    }
    stack_->receive(buffer, where->offset, where->length, where->key, where->congestion_experienced,
                    now);
  }
  settle();
  judge_.idle(side_, now);
}

void Host::packet_too_big(const Frame& refused, uint32_t mtu) {
  // An ICMP message quotes the packet: its addresses, ports and sequence number.
  const auto where = NetworkLayer::parse(refused);
  if (!where) return;
  const std::byte* const tcp = refused.data() + where->offset;
  tcp::FlowKey key;
  key.local = where->key.remote;
  key.remote = where->key.local;
  key.local_port = load_be16(tcp);
  key.remote_port = load_be16(tcp + 2);
  judge_.packet_too_big(side_, refused, mtu, queue_.now());
  stack_->packet_too_big(key, mtu, tcp::Sequence{load_be32(tcp + 4)}, queue_.now());
  settle();
}

void Host::settle() {
  stack_->flush(queue_.now());
  const std::optional<Nanoseconds> next = stack_->next_timer();
  if (!next) return;
  const Nanoseconds at = std::max(*next, queue_.now());
  if (timer_at_ && *timer_at_ <= at) return;
  timer_at_ = at;
  queue_.at(at, [this, at] {
    // An earlier one has taken this one's place.
    if (timer_at_ != at) return;
    timer_at_.reset();
    run_timers();
  });
}

void Host::run_timers() {
  while (stack_->run_timers(queue_.now())) {
  }
  settle();
}

TcpStream* Host::connect(const IpAddress& to, uint16_t port, const StreamOptions& options,
                         const std::function<void(uint16_t)>& before) {
  tcp::FlowKey key;
  key.local = options_.address;
  key.remote = to;
  key.remote_port = port;
  const auto opening = stack_->open(key, queue_.now());
  if (!opening) {
    violations_.add(queue_.now(), name_ + ": no connection could be opened, error " +
                                      std::to_string(static_cast<int>(opening.error())));
    return nullptr;
  }
  tcp::Connection& connection = *opening->connection;
  const uint16_t local = connection.key.local_port;
  before(local);
  TcpStream& stream = streams_.emplace_back(*this, connection, local, options);
  connection.connect(opening->initial, opening->timestamp_offset, queue_.now());
  settle();
  return &stream;
}

void Host::listen(uint16_t port, uint32_t backlog,
                  std::function<void(TcpStream&, uint16_t)> accepted) {
  accepted_ = std::move(accepted);
  tcp::Listener::Configuration configuration;
  configuration.address = options_.address;
  configuration.port = port;
  configuration.owner = this;
  configuration.ready = [](void* self, tcp::Listener&, unsigned) {
    Host& host = *static_cast<Host*>(self);
    if (host.accept_queued_) return;
    host.accept_queued_ = true;
    host.queue_.after(microseconds(2), [&host] { host.accept_all(); });
  };
  listener_ = std::make_unique<tcp::Listener>(configuration, listener_queues_, backlog);
  if (!stack_->listen(*listener_)) violations_.add(queue_.now(), name_ + ": listen failed");
}

void Host::accept_all() {
  accept_queued_ = false;
  if (!listener_) return;
  while (tcp::Connection* connection = stack_->accept(*listener_)) {
    const uint16_t port = connection->key.remote_port;
    TcpStream& stream = streams_.emplace_back(*this, *connection, port, StreamOptions{});
    accepted_(stream, port);
  }
}

bool Host::quiet() const {
  return stack_->connections() == 0 && stack_->half_open() == 0 && stack_->time_waits() == 0;
}

void Host::finish() {
  const Nanoseconds now = queue_.now();
  if (listener_) {
    stack_->unlisten(*listener_, now);
    settle();
    listener_.reset();
  }
  const auto left = [&](const char* what, size_t count) {
    if (count != 0)
      violations_.add(now, name_ + ": " + std::to_string(count) + " " + what + " left at the end");
  };
  left("connections", stack_->connections());
  left("half-open connections", stack_->half_open());
  // Deadlines that were missed leave connections; what they have must go before the memory does.
  for (TcpStream& stream : streams_)
    if (stream.connection() != nullptr) stream.abort();
  stack_->end(now);
  stack_.reset();
  left("packet buffers", pool_.in_use());
  memory_.reset();
  left("bytes of memory", pages_out_);
}

}  // namespace plumbline::net::simulator
