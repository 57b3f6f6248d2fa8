#include "session/populate.hh"

#include <string>
#include <vector>

#include "network/frame.hh"
#include "network/packet_template.hh"
#include "session/received_packets.hh"
#include "traffic/memcached_codec.hh"
#include "traffic/reply_check.hh"

namespace plumbline::generator {

namespace {

constexpr double kCheckIntervalNs = 1e6;

// A set on its way; its place in the window is the low byte of its id.
struct Pending {
  bool open = false;
  bool sent_once = false;  // otherwise the ring had no room for it yet
  uint8_t generation = 0;
  uint32_t key = 0;
  uint64_t sent = 0;
};

class Populator {
 public:
  Populator(Context& context, const PopulateCommand& command)
      : context_(context),
        command_(command),
        keyspace_(command.keyspace),
        source_port_(context.next_port_block()),
        packet_(context.own, context.peer, source_port_, command.port),
        window_(command.window) {}

  Population execute() {
    const uint64_t start_ns = monotonic_ns();
    const uint64_t deadline = ticks_now() + context_.scale.to_ticks(command_.timeout_ms * 1e6);
    const uint64_t retry = context_.scale.to_ticks(command_.retry_ms * 1e6);
    uint64_t next_check = 0;
    while (stored_ < keyspace_.keys()) {
      receive();
      const uint64_t now = ticks_now();
      for (size_t place = 0; place < window_.size(); ++place) {
        Pending& pending = window_[place];
        if (!pending.open && next_key_ < keyspace_.keys()) {
          pending = {true, false, static_cast<uint8_t>(pending.generation + 1), next_key_++, 0};
        }
        if (!pending.open || (pending.sent_once && now - pending.sent <= retry)) continue;
        if (!send(place)) continue;
        if (pending.sent_once) ++population_.retries;
        pending.sent_once = true;
        pending.sent = now;
      }
      if (now < next_check) continue;
      next_check = now + context_.scale.to_ticks(kCheckIntervalNs);
      if (!context_.check_link())
        throw CommandError("link-down", "the guest or interface went away while keys were set");
      if (context_.interrupted()) throw CommandError("stopped", "stopped while keys were set");
      if (now > deadline) {
        throw CommandError("time-out", std::to_string(stored_) + " of " +
                                           std::to_string(keyspace_.keys()) +
                                           " keys were set before timeoutMs, with " +
                                           std::to_string(population_.retries) + " retries");
      }
    }
    population_.keys = stored_;
    population_.duration_ns = monotonic_ns() - start_ns;
    return population_;
  }

 private:
  // Sends the whole request or, without room for all of it, nothing: a part would lie in the
  // server's reassembly until it is given up.
  bool send(size_t place) {
    const Pending& pending = window_[place];
    const size_t request_bytes = kFrameBytes + set_bytes(keyspace_, pending.key);
    const auto fragments = static_cast<uint16_t>(PacketTemplate::fragment_count(request_bytes));
    const std::span<uint8_t* const> room = context_.port.reserve(fragments, 0);
    if (room.size() < fragments) return false;
    payload_.resize(request_bytes + Keyspace::kKeySlack);
    write_frame(static_cast<uint16_t>(pending.generation << 8 | place), payload_.data());
    write_set(keyspace_, pending.key, reinterpret_cast<char*>(payload_.data() + kFrameBytes));
    payload_.resize(request_bytes);
    std::array<uint16_t, Port::kMaximumBurst> bytes;
    if (fragments == 1) {
      packet_.write(room[0], request_bytes);
      std::memcpy(room[0] + kPayloadOffset, payload_.data(), request_bytes);
      bytes[0] = static_cast<uint16_t>(kPayloadOffset + request_bytes);
    } else {
      const uint16_t identification = context_.next_identification();
      for (uint16_t i = 0; i < fragments; ++i) {
        bytes[i] =
            static_cast<uint16_t>(packet_.write_fragment(room[i], payload_, i, identification));
      }
    }
    context_.port.commit({bytes.data(), fragments}, 0);
    return true;
  }

  void receive() {
    ReceivedPackets packets(context_.port);
    for (const std::span<const uint8_t> frame : packets) {
      const std::optional<UdpDatagram> datagram = parse_udp(frame, context_.own, context_.peer);
      if (!datagram) {
        context_.handle_other(frame);
        continue;
      }
      if (datagram->source_port != command_.port || datagram->destination_port != source_port_)
        continue;
      const std::optional<UdpFrame> udp = parse_frame(datagram->payload);
      if (!udp || (udp->id & 0xffu) >= window_.size()) continue;
      Pending& pending = window_[udp->id & 0xffu];
      if (!pending.open || pending.generation != udp->id >> 8) continue;
      const std::span<const uint8_t> text = datagram->payload.subspan(kFrameBytes);
      if (check_set_reply(text) != nullptr) {
        throw CommandError("refused",
                           "set of key " + std::to_string(pending.key) + " (" +
                               std::to_string(keyspace_.value_bytes(pending.key)) +
                               " bytes) answered with: " + std::string(text.begin(), text.end()));
      }
      pending.open = false;
      ++stored_;
      population_.value_bytes += keyspace_.value_bytes(pending.key);
    }
  }

  Context& context_;
  const PopulateCommand& command_;
  Keyspace keyspace_;
  uint16_t source_port_;
  PacketTemplate packet_;
  std::vector<Pending> window_;
  std::vector<uint8_t> payload_;
  uint32_t next_key_ = 0;
  uint64_t stored_ = 0;
  Population population_;
};

}  // namespace

Population populate(Context& context, const PopulateCommand& command) {
  try {
    return Populator(context, command).execute();
  } catch (const std::invalid_argument& error) {
    throw CommandError("bad-command", error.what());
  }
}

}  // namespace plumbline::generator
