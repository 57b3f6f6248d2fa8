#include "session/tcp_loop.hh"

#include <algorithm>
#include <string>
#include <utility>

namespace plumbline::generator {

namespace {

using net::tcp::Connection;

// Handshakes at a time: fewer than any server's backlog.
constexpr uint32_t kOpeningAtOnce = 100;
// A server that ends a connection is asked again only after a while: it may be refusing all.
constexpr double kReopenAfterNs = 1e6;
// Passes over the requests are made in parts so short that no round waits for them.
constexpr double kScanIntervalNs = 20'000;

// Resets that are sent before more are made: the host drops what waits beyond a few thousand
// frames.
constexpr uint32_t kResetsAtOnce = 1000;
// A guest that has not taken so many by then takes none any more.
constexpr double kResetsTakenWithinNs = 100e6;

// A connection that was reset no longer knows what was acknowledged before.
void look_at_acknowledged(Client& client) {
  using net::tcp::State;
  if (client.connection == nullptr) return;
  const State state = client.connection->state();
  if (state == State::kClosed || state == State::kTimeWait) return;
  const uint64_t left = uint64_t{client.connection->in_flight()} + client.connection->unsent();
  if (client.queued > left) client.acknowledged = client.queued - left;
}

}  // namespace

TcpLoop::TcpLoop(Context& context, const RunCommand& run, uint16_t port, uint64_t deadline_ticks)
    : Loop(context, run.loss_timeout_ms, deadline_ticks),
      port_(port),
      sources_(run.sources),
      idle_wanted_(run.idle_connections) {
  HostConfiguration configuration;
  configuration.own = context.own;
  configuration.addresses = run.sources;
  configuration.peer = context.peer;
  context.own_addresses = run.sources;
  host_ = std::make_unique<Host>(*context.offload, configuration, context.scale,
                                 [this](std::span<const uint8_t> frame) {
                                   if (!context_.handle_other(frame)) ++counters_.unexpected;
                                 });
}

TcpLoop::~TcpLoop() {
  // Derived classes have let go of theirs.
  uint32_t unsent = 0;
  for (Idle& idle : idle_) {
    if (idle.connection == nullptr) continue;
    std::exchange(idle.connection, nullptr)->abort(host_->now());
    make_way_for_resets(unsent);
  }
}

void TcpLoop::release_all() {
  uint32_t unsent = 0;
  for (uint32_t i = 0; i < client_count(); ++i) {
    if (client(i).connection == nullptr) continue;
    reset(client(i));
    make_way_for_resets(unsent);
  }
}

// After each reset of many. A server that missed one would keep the connection for good.
void TcpLoop::make_way_for_resets(uint32_t& unsent) {
  if (++unsent < kResetsAtOnce || !peer_takes_resets_) return;
  unsent = 0;
  const uint64_t end = ticks_now() + context_.scale.to_ticks(kResetsTakenWithinNs);
  do {
    host_->receive();
    host_->flush();
    peer_takes_resets_ = interruption_ != Interruption::kLinkDown && ticks_now() < end;
  } while (!host_->sent_all() && peer_takes_resets_);
}

// ---- connections

void TcpLoop::notify(net::tcp::Owner& owner, Connection&, uint32_t events) {
  auto& client = static_cast<Client&>(owner);
  look_at_acknowledged(client);
  if (client.events == 0) {
    client.next_ready = client.loop->ready_;
    client.loop->ready_ = &client;
  }
  client.events |= events;
}

void TcpLoop::notify_idle(net::tcp::Owner& owner, Connection& connection, uint32_t events) {
  auto& idle = static_cast<Idle&>(owner);
  TcpLoop& loop = *idle.loop;
  if ((events & net::tcp::kConnected) != 0) {
    idle.open = true;
    ++loop.idle_open_;
    ++loop.counters_.opened;
  }
  if ((events & (net::tcp::kClosed | net::tcp::kFailed | net::tcp::kPeerClosed)) == 0) return;
  if (!idle.open) {
    loop.open_error_ = connection.error() == Errno::kNone ? Errno::kECONNRESET : connection.error();
  } else {
    ++loop.counters_.resets;
    idle.open = false;
    --loop.idle_open_;
  }
}

bool TcpLoop::open(Client& client) {
  client.loop = this;
  client.net::tcp::Owner::notify = notify;
  client.opened_at = ticks_now();
  client.queued = client.acknowledged = 0;
  client.connection = host_->connect(client.index % sources_, port_, client);
  if (client.connection == nullptr) return false;
  client.state = Client::State::kOpening;
  return true;
}

void TcpLoop::let_go(Client& client) {
  look_at_acknowledged(client);
  acknowledged_before_ += std::exchange(client.acknowledged, 0);
  if (client.state == Client::State::kOpen) --clients_open_;
  client.connection = nullptr;
  client.state = Client::State::kClosed;
}

void TcpLoop::close(Client& client) {
  Connection* const connection = client.connection;
  let_go(client);
  connection->close(host_->now());
}

void TcpLoop::reset(Client& client) {
  Connection* const connection = client.connection;
  let_go(client);
  connection->abort(host_->now());
}

void TcpLoop::open_later(Client& client) {
  reopen_.emplace_back(ticks_now() + context_.scale.to_ticks(kReopenAfterNs), client.index);
}

void TcpLoop::reopen(uint64_t now) {
  size_t kept = 0;
  for (size_t i = 0; i < reopen_.size(); ++i) {
    const auto [at, index] = reopen_[i];
    if (now < at || !open(client(index))) reopen_[kept++] = reopen_[i];
  }
  reopen_.resize(kept);
}

// ---- before the run

template <class Open>
void TcpLoop::open_all(uint32_t wanted, const char* what, const uint32_t& open_count,
                       Open&& open_one) {
  uint32_t begun = 0;
  while (open_count < wanted) {
    while (begun < wanted && begun - open_count < kOpeningAtOnce && open_one(begun)) ++begun;
    round(false);
    look_around(ticks_now());
    const std::string progress =
        std::to_string(open_count) + " of " + std::to_string(wanted) + " " + what + " were open";
    if (open_error_ != Errno::kNone) {
      throw CommandError("refused", "the server refuses connections to port " +
                                        std::to_string(port_) + " (" + progress + ")");
    }
    if (interruption_ == Interruption::kStopped) throw CommandError("stopped", progress);
    if (interruption_ == Interruption::kLinkDown)
      throw CommandError("link-down", "the guest or interface went away: " + progress);
    if (interruption_ == Interruption::kDeadline)
      throw CommandError("time-out", "the run took longer than timeoutMs: " + progress);
  }
}

void TcpLoop::prepare() {
  preparing_ = true;
  idle_.resize(idle_wanted_);
  open_all(idle_wanted_, "idle connections", idle_open_, [this](uint32_t index) {
    Idle& idle = idle_[index];
    idle.loop = this;
    idle.notify = notify_idle;
    idle.connection = host_->connect(index % sources_, port_, idle);
    return idle.connection != nullptr;
  });
  if (opens_before()) {
    open_all(client_count(), "connections", clients_open_,
             [this](uint32_t index) { return open(client(index)); });
  }
  preparing_ = false;
}

// ---- rounds

void TcpLoop::spin(uint64_t until, bool sending) {
  sending_ = sending;
  uint64_t now = ticks_now();
  while (now < until) {
    const bool busy = round(sending);
    ++loop_.polls;
    const uint64_t end = ticks_now();
    if (busy) loop_.busy_ticks += end - now;
    now = end;
    if (now >= next_scan_) {
      next_scan_ = now + context_.scale.to_ticks(kScanIntervalNs);
      scan(now);
      look_around(now);
      if (!reopen_.empty()) reopen(now);
    }
    if (sending ? remaining_ == 0 && limit_reached() : drained()) break;
    if (interruption_ != Interruption::kNone) break;
  }
}

bool TcpLoop::round(bool sending) {
  const OffloadPort::Received received = host_->receive();
  received_at_ = ticks_now();
  if (received.count != 0) {
    ++loop_.rx_bursts;
    loop_.largest_burst = std::max<uint64_t>(loop_.largest_burst, received.count);
  }
  bool busy = received.busy;
  if (ready_ != nullptr) busy |= handle_ready();
  if (sending) busy |= send();
  host_->flush();
  if (!host_->sent_all()) ++loop_.tx_full;
  return busy;
}

bool TcpLoop::handle_ready() {
  // What is told while they are handled is for the next round.
  Client* client = ready_;
  ready_ = nullptr;
  while (client != nullptr) {
    Client* const next = client->next_ready;
    const uint32_t events = client->events;
    client->events = 0;
    if (client->connection != nullptr) handle(*client, events);
    client = next;
  }
  return true;
}

void TcpLoop::handle(Client& client, uint32_t events) {
  using namespace net::tcp;
  if ((events & kConnected) != 0 && client.state == Client::State::kOpening) {
    client.state = Client::State::kOpen;
    ++clients_open_;
    ++counters_.opened;
    if (slice_ != kNoSlice && client.opened_at >= resumed_at_)
      connect_latency_.record(context_.scale.to_ns(received_at_ - client.opened_at));
    opened(client);
  }
  // An answer may be the end of the connection, and the next one is begun at once: what is still to
  // be said is of the old one.
  const Connection* const told = client.connection;
  if ((events & kReadable) != 0 && told != nullptr) readable(client);
  if ((events & kWritable) != 0 && told != nullptr && client.connection == told) writable(client);
  if ((events & (kPeerClosed | kFailed | kClosed)) == 0 || told == nullptr) return;
  if (client.connection != told) return;
  if (preparing_) {
    const Errno error = client.connection->error();
    open_error_ = error == Errno::kNone ? Errno::kECONNRESET : error;
    return;
  }
  ended(client);
}

void TcpLoop::count() {
  uint64_t bytes = acknowledged_before_;
  for (uint32_t i = 0; i < client_count(); ++i) {
    look_at_acknowledged(client(i));
    bytes += client(i).acknowledged;
  }
  counters_.bytes_sent = bytes;
  counters_.bytes_received = received_bytes_;
  counters_.retransmissions = host_->statistics().retransmitted;
}

}  // namespace plumbline::generator
