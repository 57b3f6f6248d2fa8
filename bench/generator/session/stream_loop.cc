#include "session/stream_loop.hh"

#include <algorithm>
#include <cstring>
#include <string>

#include "traffic/random.hh"

namespace plumbline::generator {

namespace {

// What one connection is given at a time: four of the largest frames.
constexpr uint32_t kPumpBytes = 256 * 1024;
// Queued bytes of a connection: several times what is in flight between two cores, and little
// enough to stay in the cache.
constexpr uint32_t kSendBuffer = 512 * 1024;
constexpr size_t kPatternBytes = 64 * 1024;
// A server that sends without end fills the window when nobody reads, and is silent then.
constexpr double kSilenceNs = 50'000;

}  // namespace

StreamLoop::StreamLoop(Context& context, const RunCommand& run, uint64_t deadline_ticks)
    : TcpLoop(context, run, std::get<StreamTraffic>(run.traffic).port, deadline_ticks),
      traffic_(std::get<StreamTraffic>(run.traffic)),
      clients_(std::get<ClosedLoop>(run.loop).connections),
      pattern_(kPatternBytes + kPumpBytes),
      sink_(kPatternBytes) {
  for (uint32_t i = 0; i < clients_.size(); ++i) clients_[i].index = i;
  for (size_t i = 0; i < pattern_.size(); ++i) pattern_[i] = static_cast<std::byte>(mix(i));
}

StreamLoop::~StreamLoop() { release_all(); }

void StreamLoop::opened(Client& any) {
  auto& each = static_cast<StreamClient&>(any);
  if (traffic_.to_server) each.connection->set_send_buffer(kSendBuffer);
  const std::string line = std::to_string(traffic_.message_bytes) + "\n";
  // A new connection has room for it.
  each.connection->send(static_cast<uint32_t>(line.size()), false, host().now(),
                        [&](std::span<std::byte> to) {
                          std::memcpy(to.data(), line.data(), to.size());
                          return to.size();
                        });
  each.writable = true;
}

// ---- to the server

bool StreamLoop::pump(StreamClient& each) {
  if (!each.writable || each.state != Client::State::kOpen) return false;
  const uint32_t taken =
      each.connection->send(kPumpBytes, false, host().now(),
                            [&, from = pattern_.data()](std::span<std::byte> to) mutable {
                              std::memcpy(to.data(), from, to.size());
                              from += to.size();
                              return to.size();
                            });
  each.queued += taken;
  if (taken < kPumpBytes) each.writable = false;
  return taken != 0;
}

void StreamLoop::writable(Client& any) { static_cast<StreamClient&>(any).writable = true; }

// A stream has no requests to be sent one by one: its limit is a number of whole messages that have
// passed. What is on its way then passes, too, and is counted.
void StreamLoop::look_at_limit() {
  count();
  if (!limited_from_) limited_from_ = counters_.replies;
  if (counters_.replies - *limited_from_ >= remaining_) remaining_ = 0;
}

bool StreamLoop::send() {
  if (remaining_ != kUnlimited) look_at_limit();
  bool busy = false;
  for (StreamClient& each : clients_) busy |= traffic_.to_server ? pump(each) : drain(each);
  return busy;
}

// ---- from the server

// Copied out of the stack's buffers, as a program would have it.
bool StreamLoop::drain(StreamClient& each) {
  if (each.state != Client::State::kOpen) return false;
  net::tcp::Connection& connection = *each.connection;
  const uint32_t readable = connection.readable();
  if (readable == 0) return false;
  const uint32_t taken =
      connection.read(readable, host().now(), [&](std::span<const std::byte> bytes) {
        std::memcpy(sink_.data(), bytes.data(), std::min(bytes.size(), sink_.size()));
        return bytes.size();
      });
  each.received += taken;
  count_received(taken);
  return true;
}

void StreamLoop::readable(Client& any) {
  last_bytes_at_ = received_at();
  // In a pause the window fills up, and the server waits.
  if (is_sending() && !traffic_.to_server) drain(static_cast<StreamClient&>(any));
}

void StreamLoop::ended(Client& any) {
  ++counters_.resets;
  reset(any);
  open_later(any);
}

bool StreamLoop::drained() {
  if (!traffic_.to_server)
    return ticks_now() - last_bytes_at_ > context_.scale.to_ticks(kSilenceNs);
  return std::all_of(clients_.begin(), clients_.end(), [](const StreamClient& each) {
    return each.connection == nullptr || each.connection->drained();
  });
}

void StreamLoop::count() {
  TcpLoop::count();
  const uint64_t bytes = traffic_.to_server ? counters_.bytes_sent : counters_.bytes_received;
  counters_.sent = counters_.replies = bytes / traffic_.message_bytes;
}

}  // namespace plumbline::generator
