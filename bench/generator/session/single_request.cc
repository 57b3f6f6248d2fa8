#include "session/single_request.hh"

#include <bit>
#include <cstring>
#include <map>
#include <optional>
#include <vector>

#include "network/frame.hh"
#include "network/packet_template.hh"
#include "session/received_packets.hh"
#include "traffic/memcached_codec.hh"

namespace plumbline::generator {

namespace {

constexpr double kAskIntervalUs = 200'000;
constexpr double kCheckIntervalNs = 1e6;

// Datagrams of one attempt's reply.
struct Attempt {
  uint64_t seen = 0;
  std::vector<std::string> pieces;

  // The whole text once every datagram is there.
  std::optional<std::string> add(const UdpFrame& frame, std::span<const uint8_t> text) {
    pieces.resize(std::max<size_t>(pieces.size(), frame.total));
    pieces[frame.sequence].assign(text.begin(), text.end());
    seen |= uint64_t{1} << frame.sequence;
    if (std::popcount(seen) != frame.total) return std::nullopt;
    std::string whole;
    for (const std::string& piece : pieces) whole += piece;
    return whole;
  }
};

class SingleRequest {
 public:
  SingleRequest(Context& context, uint16_t server_port, std::string text)
      : context_(context),
        server_port_(server_port),
        source_port_(context.next_port_block()),
        packet_(context.own, context.peer, source_port_, server_port),
        text_(std::move(text)) {}

  template <class Accept>
  SingleAnswer until_answered(double interval_us, double timeout_ms, Accept&& accept) {
    const uint64_t deadline = ticks_now() + context_.scale.to_ticks(timeout_ms * 1e6);
    const uint64_t interval = context_.scale.to_ticks(interval_us * 1e3);
    uint64_t next_send = 0;
    uint64_t next_check = 0;
    for (uint64_t now = ticks_now();; now = ticks_now()) {
      if (now >= next_send) {
        next_send = now + interval;
        send();
      }
      if (std::optional<std::string> text = receive()) {
        if (accept(*text)) return {std::move(*text), monotonic_ns(), attempts_};
        last_refused_ = std::move(*text);
      }
      if (now < next_check) continue;
      next_check = now + context_.scale.to_ticks(kCheckIntervalNs);
      context_.check_link();
      if (context_.interrupted())
        throw CommandError("stopped", "stopped while waiting for an answer");
      if (now >= deadline) {
        throw CommandError(
            "time-out",
            "no answer from port " + std::to_string(server_port_) + " to " +
                std::to_string(attempts_) + " requests" +
                (context_.link_was_up ? "" : "; the link is down") +
                (last_refused_.empty() ? "" : "; an answer not understood: " + last_refused_));
      }
    }
  }

 private:
  void send() {
    std::array<uint8_t, 2048> frame;
    const size_t bytes = kFrameBytes + text_.size();
    packet_.write(frame.data(), bytes);
    // A new number for each attempt, so that the datagrams of two replies are not mixed.
    write_frame(static_cast<uint16_t>(next_id_), frame.data() + kPayloadOffset);
    std::memcpy(frame.data() + kPayloadOffset + kFrameBytes, text_.data(), text_.size());
    if (!context_.port.send_copy({frame.data(), kPayloadOffset + bytes})) return;
    ++next_id_;
    ++attempts_;
  }

  std::optional<std::string> receive() {
    ReceivedPackets packets(context_.port);
    std::optional<std::string> answer;
    for (const std::span<const uint8_t> frame : packets) {
      const std::optional<UdpDatagram> datagram = parse_udp(frame, context_.own, context_.peer);
      if (!datagram) {
        context_.handle_other(frame);
        continue;
      }
      if (answer || datagram->source_port != server_port_ ||
          datagram->destination_port != source_port_)
        continue;
      const std::optional<UdpFrame> udp = parse_frame(datagram->payload);
      if (!udp) continue;
      answer = attempt_[udp->id].add(*udp, datagram->payload.subspan(kFrameBytes));
    }
    return answer;
  }

  Context& context_;
  uint16_t server_port_;
  uint16_t source_port_;
  PacketTemplate packet_;
  std::string text_;
  std::string last_refused_;
  std::map<uint16_t, Attempt> attempt_;
  uint32_t next_id_ = 1;
  uint64_t attempts_ = 0;
};

}  // namespace

SingleAnswer wait_answer(Context& context, const WaitAnswerCommand& command) {
  switch (command.request) {
    case ProbeRequest::kVersion:
      return SingleRequest(context, command.port, "version\r\n")
          .until_answered(command.interval_us, command.timeout_ms,
                          [](const std::string& text) { return text.starts_with("VERSION "); });
    case ProbeRequest::kGet:
      return SingleRequest(context, command.port, "get plumbline-ready\r\n")
          .until_answered(command.interval_us, command.timeout_ms, [](const std::string& text) {
            return text.starts_with("END\r\n") || text.starts_with("VALUE ");
          });
    case ProbeRequest::kEcho:
    case ProbeRequest::kPing:
    case ProbeRequest::kHttp:
    case ProbeRequest::kConnect:
      break;
  }
  const std::string text = "plumbline-ready";
  return SingleRequest(context, command.port, text)
      .until_answered(command.interval_us, command.timeout_ms,
                      [&](const std::string& answer) { return answer == text; });
}

SingleAnswer ask(Context& context, const AskCommand& command) {
  return SingleRequest(context, command.port, command.request)
      .until_answered(kAskIntervalUs, command.timeout_ms, [](const std::string&) { return true; });
}

}  // namespace plumbline::generator
