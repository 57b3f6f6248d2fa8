#include "session/load_loop.hh"

#include <algorithm>
#include <bit>
#include <cstring>

#include "session/received_packets.hh"
#include "traffic/reply_check.hh"

namespace plumbline::generator {

namespace {

// The table is looked through once in an eighth of the time-out, a few slots at a time so that no
// poll waits for it.
constexpr uint64_t kScansPerTimeout = 8;
constexpr uint32_t kScanChunk = 64;
// A lost request's number rests so many time-outs: a reply that is still later is taken for a
// duplicate.
constexpr uint64_t kTimeoutsRemembered = 10;

uint32_t connections_of(const RunCommand& run) {
  return std::visit([](const auto& loop) { return loop.connections; }, run.loop);
}

uint32_t outstanding_of(const RunCommand& run) {
  if (const auto* closed = std::get_if<ClosedLoop>(&run.loop)) return closed->outstanding;
  const auto& open = std::get<OpenLoop>(run.loop);
  return (open.max_in_flight + open.connections - 1) / open.connections;
}

}  // namespace

LoadLoop::LoadLoop(Context& context, const RunCommand& run, uint64_t deadline_ticks)
    : Loop(context, run.loss_timeout_ms, deadline_ticks),
      port_(context.port),
      open_loop_(std::holds_alternative<OpenLoop>(run.loop)),
      echo_(std::holds_alternative<EchoTraffic>(run.traffic)),
      verify_(run.verify),
      server_port_(std::visit([](const auto& traffic) { return traffic.port; }, run.traffic)),
      port_base_(context.next_port_block()),
      table_(connections_of(run), outstanding_of(run)),
      outgoing_(context.port.queues()) {
  const uint32_t connections = connections_of(run);
  for (uint32_t connection = 0; connection < connections; ++connection) {
    templates_.emplace_back(context.own, context.peer,
                            static_cast<uint16_t>(port_base_ + connection), server_port_);
  }
  uint32_t tickets = connections * outstanding_of(run);
  if (const auto* open = std::get_if<OpenLoop>(&run.loop)) {
    tickets = open->max_in_flight;
    arrivals_.emplace(open->arrivals, static_cast<double>(context.scale.to_ticks(1e9)) / open->rate,
                      run.seed);
  }
  tickets_.resize(std::bit_ceil(tickets));
  ticket_mask_ = tickets_.size() - 1;
  for (uint32_t ticket = 0; ticket < tickets; ++ticket) push_ticket(ticket % connections);

  if (const auto* memcached = std::get_if<StoreTraffic>(&run.traffic)) {
    keyspace_.emplace(memcached->keyspace);
    sequence_.emplace(Popularity(memcached->popularity, memcached->keyspace.keys),
                      memcached->get_share, run.seed);
  } else {
    echo_payload_.resize(std::get<EchoTraffic>(run.traffic).payload_bytes);
    write_frame(0, echo_payload_.data());
    for (size_t i = kFrameBytes; i < echo_payload_.size(); ++i)
      echo_payload_[i] = static_cast<uint8_t>('a' + i % 26);
  }
  // Chunks as small as a 5 us interval allows.
  const uint64_t pass = std::max<uint64_t>(loss_ticks_ / kScansPerTimeout, 1);
  const uint64_t least_interval = context.scale.to_ticks(5000);
  const uint64_t chunks = std::max<uint64_t>(
      1, std::min<uint64_t>(table_.slot_count() / kScanChunk, pass / least_interval));
  scan_interval_ = pass / chunks;
  scan_chunk_ = static_cast<uint32_t>((table_.slot_count() + chunks - 1) / chunks);
}

void LoadLoop::resume() {
  resumed_at_ = ticks_now();
  if (arrivals_) arrivals_->restart(resumed_at_);
}

void LoadLoop::spin(uint64_t until, bool sending) {
  uint64_t now = ticks_now();
  while (now < until) {
    bool busy = receive();
    if (sending) busy |= send();
    ++loop_.polls;
    const uint64_t end = ticks_now();
    if (busy) loop_.busy_ticks += end - now;
    now = end;
    if (now >= next_scan_) housekeep(now);
    if (sending ? remaining_ == 0 && limit_reached() : in_flight_ == 0) break;
    if (interruption_ != Interruption::kNone) break;
  }
}

void LoadLoop::housekeep(uint64_t now) {
  next_scan_ = now + scan_interval_;
  const uint64_t oldest = now > loss_ticks_ ? now - loss_ticks_ : 0;
  const uint64_t remembered = kTimeoutsRemembered * loss_ticks_;
  const uint64_t forgotten = now > remembered ? now - remembered : 0;
  table_.scan(scan_chunk_, oldest, forgotten, [this](uint32_t index) {
    const RequestSlot& slot = table_.slot(index);
    count_lost(slot.slice);
    --in_flight_;
    pieces_.erase(index);
    // The place in the window is free again: a loss must not stall a closed loop.
    push_ticket(table_.connection_of(index));
  });
  look_around(now);
}

// ---- sending

[[gnu::flatten]] bool LoadLoop::send() {
  if (ticket_head_ == ticket_tail_ || remaining_ == 0) return false;
  const uint64_t due = open_loop_ ? ticks_now() : 0;
  if (open_loop_ && arrivals_->next() > due) return false;
  for (uint16_t queue = 0; queue < outgoing_.size(); ++queue) {
    outgoing_[queue].count = 0;
    outgoing_[queue].room = port_.reserve(Port::kMaximumBurst, queue);
  }
  const uint64_t wanted = std::min<uint64_t>({kSendBurst, ticket_tail_ - ticket_head_, remaining_});
  uint64_t written = 0;
  for (; written < wanted; ++written) {
    uint64_t intended = 0;
    if (open_loop_) {
      intended = arrivals_->next();
      if (intended > due) break;
    }
    if (!write_request(intended)) {
      // The rest is offered again on the next round, and its time starts then.
      if (peer_is_full()) ++loop_.tx_full;
      break;
    }
    if (open_loop_) arrivals_->advance();
    if (remaining_ != kUnlimited) --remaining_;
  }
  if (written == 0) return false;
  for (uint16_t queue = 0; queue < outgoing_.size(); ++queue) {
    if (outgoing_[queue].count > 0) commit(outgoing_[queue], queue);
  }
  return true;
}

bool LoadLoop::peer_is_full() const {
  return std::any_of(outgoing_.begin(), outgoing_.end(), [](const Outgoing& outgoing) {
    return outgoing.room.size() < Port::kMaximumBurst;
  });
}

size_t LoadLoop::payload_bytes(const Operation& operation) const {
  if (echo_) return echo_payload_.size();
  return kFrameBytes + (operation.is_set ? set_bytes(*keyspace_, operation.key)
                                         : get_bytes(*keyspace_, operation.key));
}

void LoadLoop::write_payload(uint32_t index, uint8_t* out) {
  const RequestSlot& slot = table_.slot(index);
  if (echo_) std::memcpy(out, echo_payload_.data(), echo_payload_.size());
  write_frame(table_.id_of(index), out);
  if (echo_) return;
  char* text = reinterpret_cast<char*>(out + kFrameBytes);
  if (slot.is_set) {
    write_set(*keyspace_, slot.key, text);
  } else {
    write_get(*keyspace_, slot.key, text);
  }
}

// Writes the request of the connection whose turn it is. False, and nothing is changed, when its
// queue has no room.
bool LoadLoop::write_request(uint64_t intended) {
  const uint32_t connection = next_ticket();
  Outgoing& outgoing = outgoing_[outgoing_.size() == 1 ? 0 : connection % outgoing_.size()];
  if (!next_operation_) next_operation_ = echo_ ? Operation{} : sequence_->next();
  const size_t bytes = payload_bytes(*next_operation_);
  if (outgoing.count + PacketTemplate::fragment_count(bytes) > outgoing.room.size()) return false;

  ++ticket_head_;
  const uint32_t index = table_.open(connection);
  RequestSlot& slot = table_.slot(index);
  slot.intended = intended;
  slot.key = next_operation_->key;
  slot.is_set = next_operation_->is_set;
  next_operation_.reset();
  const uint64_t number = written_total_++;
  slot.verify =
      verify_ == Verify::kAll || (verify_ == Verify::kSampled && (number & kSampleMask) == 0);
  if (bytes > kMaximumPayload) [[unlikely]] {
    write_fragments(outgoing, index, bytes);
    return true;
  }
  uint8_t* frame = outgoing.room[outgoing.count];
  templates_[connection].write(frame, bytes);
  write_payload(index, frame + kPayloadOffset);
  outgoing.bytes[outgoing.count] = static_cast<uint16_t>(kPayloadOffset + bytes);
  outgoing.requests[outgoing.count++] = index;
  return true;
}

void LoadLoop::write_fragments(Outgoing& outgoing, uint32_t index, size_t payload_bytes) {
  std::vector<uint8_t> payload(payload_bytes);
  write_payload(index, payload.data());
  const PacketTemplate& packet = templates_[table_.connection_of(index)];
  const size_t count = PacketTemplate::fragment_count(payload_bytes);
  const uint16_t identification = context_.next_identification();
  for (size_t i = 0; i < count; ++i) {
    outgoing.bytes[outgoing.count] = static_cast<uint16_t>(
        packet.write_fragment(outgoing.room[outgoing.count], payload, i, identification));
    outgoing.requests[outgoing.count++] = i + 1 == count ? index : kNoRequest;
  }
}

void LoadLoop::commit(Outgoing& outgoing, uint16_t queue) {
  // Read here and not before the requests were written: their preparation is no part of the
  // latency.
  const uint64_t now = ticks_now();
  port_.commit({outgoing.bytes.data(), outgoing.count}, queue);
  for (uint32_t i = 0; i < outgoing.count; ++i) {
    if (outgoing.requests[i] == kNoRequest) continue;
    RequestSlot& slot = table_.slot(outgoing.requests[i]);
    slot.state = SlotState::kWaiting;
    slot.sent = now;
    slot.slice = slice_;
    if (open_loop_) {
      loop_.longest_lag_ticks = std::max(loop_.longest_lag_ticks, now - slot.intended);
    } else {
      slot.intended = now;
    }
    ++counters_.sent;
    if (!echo_) ++(slot.is_set ? counters_.sets : counters_.gets);
    ++in_flight_;
  }
}

// ---- receiving

// True when there was work.
[[gnu::flatten]] bool LoadLoop::receive() {
  ReceivedPackets packets(port_);
  if (packets.count() == 0) return packets.busy();
  const uint64_t now = ticks_now();
  ++loop_.rx_bursts;
  loop_.largest_burst = std::max<uint64_t>(loop_.largest_burst, packets.count());
  for (const std::span<const uint8_t> frame : packets) handle(frame, now);
  return true;
}

void LoadLoop::handle(std::span<const uint8_t> frame, uint64_t now) {
  const std::optional<UdpDatagram> datagram = parse_udp(frame, context_.own, context_.peer);
  if (!datagram) {
    if (!context_.handle_other(frame)) ++counters_.unexpected;
    return;
  }
  if (datagram->source_port != server_port_) {
    ++counters_.unexpected;
  } else if (echo_) {
    handle_echo(frame, *datagram, now);
  } else {
    handle_memcached(frame, *datagram, now);
  }
}

std::optional<uint32_t> LoadLoop::match(uint16_t port, uint16_t id, bool count_unmatched) {
  uint32_t index = 0;
  switch (table_.match(static_cast<uint16_t>(port - port_base_), id, index)) {
    case ReplyMatch::kWaiting:
      return index;
    case ReplyMatch::kLate:
      if (count_unmatched) {
        RequestSlot& slot = table_.slot(index);
        const bool lost = slot.state == SlotState::kLost;
        count_late(lost ? slot.slice : kNoSlice);
        if (lost) slot.state = SlotState::kFree;
      }
      return std::nullopt;
    case ReplyMatch::kDuplicate:
      if (count_unmatched) ++counters_.duplicates;
      return std::nullopt;
    case ReplyMatch::kUnknown:
      if (count_unmatched) ++counters_.unexpected;
      return std::nullopt;
  }
  return std::nullopt;
}

void LoadLoop::handle_memcached(std::span<const uint8_t> frame, const UdpDatagram& datagram,
                                uint64_t now) {
  const std::optional<UdpFrame> udp = parse_frame(datagram.payload);
  if (!udp) {
    ++counters_.unexpected;
    return;
  }
  // Of a reply in several datagrams that comes late or twice, the first one is counted.
  const std::optional<uint32_t> index =
      match(datagram.destination_port, udp->id, udp->sequence == 0);
  if (!index) return;
  RequestSlot& slot = table_.slot(*index);
  std::span<const uint8_t> text = datagram.payload.subspan(kFrameBytes);
  if (slot.verify) {
    text = checked_payload(frame, datagram).subspan(kFrameBytes);
  }
  if (udp->total > 1 || slot.piece_total != 0) {
    handle_piece(*index, *udp, text, now);
    return;
  }
  count_kind(slot, classify_reply(text), text);
  if (slot.verify) verify_text(slot, text);
  complete(*index, now);
}

// The datagram's payload, its headers checked. A copy: to check the frame where it lies would be to
// read lengths again that the guest may have changed since they were compared with the frame's.
std::span<const uint8_t> LoadLoop::checked_payload(std::span<const uint8_t> frame,
                                                   const UdpDatagram& datagram) {
  verified_.assign(frame.begin(), frame.end());
  const std::optional<UdpDatagram> again = parse_udp(verified_, context_.own, context_.peer);
  if (!again || again->payload.size() != datagram.payload.size()) {
    report_bad("changed while it was read", datagram.payload);
    return std::span<const uint8_t>(verified_).subspan(
        static_cast<size_t>(datagram.payload.data() - frame.data()), datagram.payload.size());
  }
  if (const char* wrong = check_headers(verified_, context_.own, context_.peer))
    report_bad(wrong, again->payload);
  return again->payload;
}

void LoadLoop::handle_piece(uint32_t index, const UdpFrame& frame, std::span<const uint8_t> text,
                            uint64_t now) {
  RequestSlot& slot = table_.slot(index);
  if (slot.piece_total == 0) {
    slot.piece_total = static_cast<uint8_t>(frame.total);
  } else if (slot.piece_total != frame.total) {
    report_bad("datagrams of one reply disagree about their number", text);
    return;
  }
  Pieces& pieces = pieces_[index];
  const uint64_t bit = uint64_t{1} << frame.sequence;
  if ((pieces.seen & bit) != 0) {
    ++counters_.duplicates;
    return;
  }
  pieces.seen |= bit;
  if (frame.sequence == 0) count_kind(slot, classify_reply(text), text);
  if (slot.verify) {
    pieces.texts.resize(frame.total);
    pieces.texts[frame.sequence].assign(text.begin(), text.end());
  }
  if (std::popcount(pieces.seen) != slot.piece_total) return;
  if (slot.verify) {
    std::vector<uint8_t> whole;
    for (const auto& piece : pieces.texts) whole.insert(whole.end(), piece.begin(), piece.end());
    verify_text(slot, whole);
  }
  pieces_.erase(index);
  complete(index, now);
}

void LoadLoop::handle_echo(std::span<const uint8_t> frame, const UdpDatagram& datagram,
                           uint64_t now) {
  const std::span<const uint8_t> payload = datagram.payload;
  if (payload.size() < kFrameBytes) {
    ++counters_.unexpected;
    return;
  }
  const auto id = static_cast<uint16_t>(payload[0] << 8 | payload[1]);
  const std::optional<uint32_t> index = match(datagram.destination_port, id, true);
  if (!index) return;
  RequestSlot& slot = table_.slot(*index);
  if (payload.size() != echo_payload_.size()) {
    report_bad("echo of another length", payload);
  } else if (slot.verify) {
    ++counters_.verified;
    const uint64_t bad_before = counters_.bad;
    const std::span<const uint8_t> copy = checked_payload(frame, datagram);
    if (counters_.bad == bad_before &&
        std::memcmp(copy.data() + 2, echo_payload_.data() + 2, copy.size() - 2) != 0) {
      report_bad("echo of other bytes", copy);
    }
  }
  complete(*index, now);
}

void LoadLoop::complete(uint32_t index, uint64_t now) {
  const RequestSlot& slot = table_.slot(index);
  ++counters_.replies;
  --in_flight_;
  // A request from before the pause waited for the probe, not for the server.
  if (slice_ != kNoSlice && slot.intended >= resumed_at_) {
    latency_.record(context_.scale.to_ns(now > slot.intended ? now - slot.intended : 0));
  }
  push_ticket(table_.connection_of(index));
  table_.close(index);
}

void LoadLoop::count_kind(RequestSlot& slot, ReplyKind kind, std::span<const uint8_t> text) {
  if (slot.is_set && kind == ReplyKind::kStored) {
    ++counters_.stored;
  } else if (!slot.is_set && kind == ReplyKind::kValue) {
    ++counters_.hits;
  } else if (!slot.is_set && kind == ReplyKind::kMiss) {
    ++counters_.misses;
  } else {
    report_bad(slot.is_set ? "answer to a set" : "answer to a get", text);
  }
}

void LoadLoop::verify_text(RequestSlot& slot, std::span<const uint8_t> text) {
  ++counters_.verified;
  const ReplyKind kind = classify_reply(text);
  // A reply of the wrong kind is bad already.
  if (slot.is_set) {
    if (kind != ReplyKind::kStored) return;
  } else if (kind != ReplyKind::kValue && kind != ReplyKind::kMiss) {
    return;
  }
  const char* wrong =
      slot.is_set ? check_set_reply(text) : check_get_reply(*keyspace_, slot.key, text);
  if (wrong != nullptr) report_bad(wrong, text);
}

}  // namespace plumbline::generator
