#include "session/request_loop.hh"

#include <algorithm>
#include <bit>
#include <cstring>

#include "traffic/echo_codec.hh"
#include "traffic/http_codec.hh"
#include "traffic/memcached_stream.hh"
#include "traffic/redis_codec.hh"

namespace plumbline::generator {

namespace {

constexpr uint32_t kSendBurst = 64;
constexpr uint32_t kScanChunk = 64;
// A request's text that is written at one time is at most so long, and one request more.
constexpr size_t kScratchGoal = 64 * 1024;

uint16_t port_of(const Traffic& traffic) {
  return std::visit([](const auto& each) { return each.port; }, traffic);
}

std::string text_of(const Ipv4Address& address) {
  std::string text;
  for (const uint8_t byte : address) {
    if (!text.empty()) text += '.';
    text += std::to_string(byte);
  }
  return text;
}

}  // namespace

RequestLoop::RequestLoop(Context& context, const RunCommand& run, uint64_t deadline_ticks)
    : TcpLoop(context, run, port_of(run.traffic), deadline_ticks),
      open_loop_(std::holds_alternative<OpenLoop>(run.loop)),
      verify_(run.verify),
      clients_(std::visit([](const auto& loop) { return loop.connections; }, run.loop)) {
  set_up(run.traffic, run.seed);
  const auto connections = static_cast<uint32_t>(clients_.size());
  if (const auto* open = std::get_if<OpenLoop>(&run.loop)) {
    depth_ = connection_each_ ? 1 : (open->max_in_flight + connections - 1) / connections;
    const uint32_t tickets =
        connection_each_ ? std::min(open->max_in_flight, connections) : open->max_in_flight;
    arrivals_.emplace(open->arrivals, static_cast<double>(context.scale.to_ticks(1e9)) / open->rate,
                      run.seed);
    tickets_.resize(std::bit_ceil(tickets));
    ticket_mask_ = tickets_.size() - 1;
    for (uint32_t ticket = 0; ticket < tickets; ++ticket) push_ticket(ticket % connections);
  } else if (!connection_each_) {
    depth_ = std::get<ClosedLoop>(run.loop).outstanding;
  }
  depth_mask_ = std::bit_ceil(depth_) - 1;
  places_.resize(size_t{connections} * (depth_mask_ + 1));
  for (uint32_t i = 0; i < connections; ++i) clients_[i].index = i;
}

RequestLoop::~RequestLoop() { release_all(); }

void RequestLoop::set_up(const Traffic& traffic, uint32_t seed) {
  if (const auto* store = std::get_if<StoreTraffic>(&traffic)) {
    keyspace_.emplace(store->keyspace);
    sequence_.emplace(Popularity(store->popularity, store->keyspace.keys), store->get_share, seed);
    if (store->protocol == StoreProtocol::kRedis)
      codec_ = std::make_unique<RedisCodec>(*keyspace_);
    else
      codec_ = std::make_unique<MemcachedStream>(*keyspace_);
  } else if (const auto* echo = std::get_if<EchoTraffic>(&traffic)) {
    codec_ = std::make_unique<EchoCodec>(echo->payload_bytes);
  } else if (const auto* connect = std::get_if<ConnectTraffic>(&traffic)) {
    codec_ = std::make_unique<EchoCodec>(connect->payload_bytes);
    connection_each_ = true;
  } else {
    const auto& http = std::get<HttpTraffic>(traffic);
    codec_ = std::make_unique<HttpCodec>(http.path, text_of(context_.peer.ip), http.body_bytes,
                                         http.keep_alive);
    connection_each_ = !http.keep_alive;
  }
}

void RequestLoop::resume() {
  resumed_at_ = ticks_now();
  if (arrivals_) arrivals_->restart(resumed_at_);
  start_all_ = true;
}

// ---- sending

bool RequestLoop::send() {
  if (open_loop_) return send_due();
  if (!start_all_) return false;
  start_all_ = false;
  for (RequestClient& each : clients_) {
    if (!connection_each_) {
      fill(each, depth_, 0);
    } else if (each.state == Client::State::kClosed && each.outstanding() == 0) {
      if (remaining_ == 0) break;
      if (!begin(each, 0)) {
        // No port is free: the next round tries again.
        ++loop_.tx_full;
        start_all_ = true;
        break;
      }
    }
  }
  return true;
}

bool RequestLoop::send_due() {
  if (ticket_head_ == ticket_tail_ || remaining_ == 0) return false;
  const uint64_t due = ticks_now();
  uint64_t intended = arrivals_->next();
  if (intended > due) return false;
  uint64_t passed_over = 0;
  for (uint32_t sent = 0; sent < kSendBurst && intended <= due && remaining_ != 0;) {
    const uint64_t waiting = ticket_tail_ - ticket_head_;
    if (waiting == 0 || passed_over == waiting) break;
    RequestClient& each = clients_[tickets_[ticket_head_++ & ticket_mask_]];
    if (connection_each_ ? !begin(each, intended) : !fill(each, 1, intended)) {
      // Its connection is being opened again, or has no room: another one's turn.
      push_ticket(each.index);
      ++passed_over;
      continue;
    }
    arrivals_->advance();
    intended = arrivals_->next();
    ++sent;
  }
  return true;
}

RequestLoop::Place& RequestLoop::add(RequestClient& each) {
  Place& added = place(each, each.tail++);
  const Operation operation = sequence_ ? sequence_->next() : Operation{};
  added.key = operation.key;
  added.is_set = operation.is_set;
  const uint64_t number = written_total_++;
  added.verify =
      verify_ == Verify::kAll || (verify_ == Verify::kSampled && (number & kSampleMask) == 0);
  if (remaining_ != kUnlimited) --remaining_;
  ++counters_.sent;
  if (sequence_) ++(added.is_set ? counters_.sets : counters_.gets);
  ++in_flight_;
  return added;
}

void RequestLoop::set_sent(Place& one, uint64_t intended, uint64_t now) {
  one.sent = now;
  one.slice = slice_;
  one.intended = open_loop_ ? intended : now;
  if (open_loop_) loop_.longest_lag_ticks = std::max(loop_.longest_lag_ticks, now - intended);
}

// Writes as many requests as the client may have, at most `most`, and sends them as one text.
bool RequestLoop::fill(RequestClient& each, uint32_t most, uint64_t intended) {
  if (each.state != Client::State::kOpen || !each.unsent.empty()) return false;
  const uint64_t wanted = std::min<uint64_t>({most, depth_ - each.outstanding(), remaining_});
  if (wanted == 0) return false;
  const uint32_t first = each.tail;
  size_t used = 0;
  for (uint64_t i = 0; i < wanted && (i == 0 || used < kScratchGoal); ++i) {
    const Operation operation = operation_of(add(each));
    const size_t needed = used + codec_->most_bytes(operation);
    if (scratch_.size() < needed) [[unlikely]]
      scratch_.resize(needed + kScratchGoal);
    used = static_cast<size_t>(codec_->write(operation, scratch_.data() + used) - scratch_.data());
  }
  // Read here and not before the requests were written: their preparation is no part of the
  // latency.
  const uint64_t now = ticks_now();
  for (uint32_t number = first; number != each.tail; ++number)
    set_sent(place(each, number), intended, now);
  post(each, {scratch_.data(), used});
  if (each.tail - first < wanted && !open_loop_) start_all_ = true;
  return true;
}

// A connection for one request; its time counts from the SYN.
bool RequestLoop::begin(RequestClient& each, uint64_t intended) {
  if (each.state != Client::State::kClosed || each.outstanding() != 0) return false;
  if (!open(each)) return false;
  set_sent(add(each), intended, each.opened_at);
  return true;
}

void RequestLoop::opened(Client& any) {
  auto& each = static_cast<RequestClient&>(any);
  if (connection_each_) {
    const Operation operation = operation_of(place(each, each.head));
    scratch_.resize(std::max(scratch_.size(), codec_->most_bytes(operation)));
    const char* const end = codec_->write(operation, scratch_.data());
    post(each, {scratch_.data(), static_cast<size_t>(end - scratch_.data())});
  } else if (is_sending() && !open_loop_) {
    fill(each, depth_, 0);
  }
}

void RequestLoop::post(RequestClient& each, std::span<const char> text) {
  const char* from = text.data();
  const uint32_t taken = each.connection->send(static_cast<uint32_t>(text.size()), false,
                                               host().now(), [&](std::span<std::byte> to) {
                                                 std::memcpy(to.data(), from, to.size());
                                                 from += to.size();
                                                 return to.size();
                                               });
  each.queued += taken;
  if (taken < text.size()) [[unlikely]]
    each.unsent.assign(from, text.data() + text.size());
}

void RequestLoop::writable(Client& any) {
  auto& each = static_cast<RequestClient&>(any);
  if (!each.unsent.empty()) {
    const std::vector<char> text = std::move(each.unsent);
    each.unsent.clear();
    post(each, text);
  }
  if (is_sending() && !open_loop_ && !connection_each_) fill(each, depth_, 0);
}

// ---- receiving

void RequestLoop::readable(Client& any) {
  auto& each = static_cast<RequestClient&>(any);
  net::tcp::Connection& connection = *each.connection;
  count_received(
      connection.read(connection.readable(), host().now(), [&](std::span<const std::byte> bytes) {
        take(each, {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
        return bytes.size();
      }));
  if (each.broken) {
    give_up(each);
    reset(each);
    restart(each);
  } else if (each.last || (connection_each_ && each.outstanding() == 0)) {
    give_up(each);
    close(each);
    restart(each);
  } else if (is_sending() && !open_loop_) {
    fill(each, depth_, 0);
  }
}

void RequestLoop::take(RequestClient& each, std::span<const uint8_t> bytes) {
  if (each.broken) return;
  if (each.carry.empty()) {
    bytes = bytes.subspan(parse(each, bytes));
    if (!bytes.empty()) each.carry.assign(bytes.begin(), bytes.end());
    return;
  }
  each.carry.insert(each.carry.end(), bytes.begin(), bytes.end());
  const size_t done = parse(each, each.carry);
  each.carry.erase(each.carry.begin(), each.carry.begin() + static_cast<ptrdiff_t>(done));
}

// Takes whole replies from the front of `text`; how many bytes they have.
size_t RequestLoop::parse(RequestClient& each, std::span<const uint8_t> text) {
  size_t done = 0;
  while (done < text.size()) {
    const std::span<const uint8_t> rest = text.subspan(done);
    if (each.outstanding() == 0) {
      ++counters_.unexpected;
      report_bad("bytes that nobody asked for", rest);
      each.broken = true;
      return text.size();
    }
    const Place& front = place(each, each.head);
    const StreamReply reply = codec_->parse(operation_of(front), rest, front.verify);
    if (reply.bytes == 0) {
      if (reply.wrong == nullptr) break;
      report_bad(reply.wrong, rest);
      each.broken = true;
      return text.size();
    }
    complete(each, reply, rest.first(reply.bytes));
    done += reply.bytes;
  }
  return done;
}

void RequestLoop::complete(RequestClient& each, const StreamReply& reply,
                           std::span<const uint8_t> text) {
  const Place& answered = place(each, each.head);
  if (each.lost != each.head) [[unlikely]] {
    // It was given up already.
    count_late(answered.slice);
  } else {
    ++each.lost;
    ++counters_.replies;
    --in_flight_;
    if (codec_->has_keys() && reply.wrong == nullptr) {
      if (answered.is_set)
        ++counters_.stored;
      else
        ++(reply.kind == ReplyKind::kValue ? counters_.hits : counters_.misses);
    }
    if (answered.verify) ++counters_.verified;
    if (reply.wrong != nullptr) [[unlikely]]
      report_bad(reply.wrong, text);
    // A request from before the pause waited for the probe, not for the server.
    if (slice_ != kNoSlice && answered.intended >= resumed_at_) {
      const uint64_t now = received_at();
      latency_.record(context_.scale.to_ns(now > answered.intended ? now - answered.intended : 0));
    }
  }
  ++each.head;
  if (reply.last) each.last = true;
  if (open_loop_) push_ticket(each.index);
}

// Nobody will answer what is outstanding.
void RequestLoop::give_up(RequestClient& each) {
  for (; each.head != each.tail; ++each.head) {
    if (each.head == each.lost) {
      ++each.lost;
      count_lost(place(each, each.head).slice);
      --in_flight_;
    }
    if (open_loop_) push_ticket(each.index);
  }
  each.lost = each.head;
  each.carry.clear();
  each.unsent.clear();
}

// The client's connection is gone: it gets another one.
void RequestLoop::restart(RequestClient& each) {
  const bool wanted = each.last;
  each.broken = each.last = false;
  if (!connection_each_) {
    if (!wanted || !open(each)) open_later(each);
  } else if (!open_loop_ && is_sending() && remaining_ != 0) {
    if (!begin(each, 0)) start_all_ = true;
  }
}

void RequestLoop::ended(Client& any) {
  auto& each = static_cast<RequestClient&>(any);
  // A server may end what it was asked to end, or what waits for nothing; it is counted all the
  // same where connections should stay.
  ++counters_.resets;
  const bool waits = connection_each_;
  give_up(each);
  reset(each);
  if (waits) {
    // At once, all connections of a server that refuses would be all that this loop does.
    start_all_ = true;
  } else {
    restart(each);
  }
}

void RequestLoop::scan(uint64_t now) {
  const uint64_t oldest = now > loss_ticks_ ? now - loss_ticks_ : 0;
  for (uint32_t i = 0; i < std::min<uint32_t>(kScanChunk, client_count()); ++i) {
    RequestClient& each = clients_[scan_position_];
    if (++scan_position_ == clients_.size()) scan_position_ = 0;
    for (; each.lost != each.tail && place(each, each.lost).sent < oldest; ++each.lost) {
      count_lost(place(each, each.lost).slice);
      --in_flight_;
    }
  }
}

}  // namespace plumbline::generator
