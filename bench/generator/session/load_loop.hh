// The polling loop of a run over UDP: keeps requests on their way, takes replies, accounts for
// each.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "accounting/histogram.hh"
#include "accounting/request_table.hh"
#include "accounting/slice.hh"
#include "network/frame.hh"
#include "network/packet_template.hh"
#include "session/command.hh"
#include "session/context.hh"
#include "session/loop.hh"
#include "traffic/arrivals.hh"
#include "traffic/memcached_codec.hh"
#include "traffic/request_sequence.hh"

namespace plumbline::generator {

class LoadLoop : public Loop {
 public:
  LoadLoop(Context& context, const RunCommand& run, uint64_t deadline_ticks);

  void resume() override;

 private:
  static constexpr uint32_t kNoRequest = ~0u;
  static constexpr uint32_t kSendBurst = 32;
  // A burst that is being written, by queue. A connection keeps to one queue, so that a guest sees
  // the requests of one source port on one vCPU.
  struct Outgoing {
    std::span<uint8_t* const> room;
    std::array<uint16_t, Port::kMaximumBurst> bytes;
    std::array<uint32_t, Port::kMaximumBurst> requests;  // kNoRequest: a fragment before the last
    uint32_t count = 0;
  };

  void spin(uint64_t until, bool sending) override;
  void housekeep(uint64_t now);

  bool send();
  bool write_request(uint64_t intended);
  void write_fragments(Outgoing& outgoing, uint32_t index, size_t payload_bytes);
  void write_payload(uint32_t index, uint8_t* out);
  bool peer_is_full() const;
  size_t payload_bytes(const Operation& operation) const;
  void commit(Outgoing& outgoing, uint16_t queue);

  bool receive();
  void handle(std::span<const uint8_t> frame, uint64_t now);
  void handle_memcached(std::span<const uint8_t> frame, const UdpDatagram& datagram, uint64_t now);
  std::span<const uint8_t> checked_payload(std::span<const uint8_t> frame,
                                           const UdpDatagram& datagram);
  void handle_piece(uint32_t index, const UdpFrame& frame, std::span<const uint8_t> text,
                    uint64_t now);
  void handle_echo(std::span<const uint8_t> frame, const UdpDatagram& datagram, uint64_t now);
  std::optional<uint32_t> match(uint16_t port, uint16_t id, bool count_unmatched);
  void complete(uint32_t index, uint64_t now);
  void count_kind(RequestSlot& slot, ReplyKind kind, std::span<const uint8_t> text);
  void verify_text(RequestSlot& slot, std::span<const uint8_t> text);
  void push_ticket(uint32_t connection) {
    tickets_[ticket_tail_++ & ticket_mask_] = static_cast<uint16_t>(connection);
  }
  uint32_t next_ticket() const { return tickets_[ticket_head_ & ticket_mask_]; }

  Port& port_;
  const bool open_loop_;
  const bool echo_;
  const Verify verify_;
  const uint16_t server_port_;
  const uint16_t port_base_;

  RequestTable table_;
  std::vector<PacketTemplate> templates_;  // by connection
  std::optional<Keyspace> keyspace_;
  std::optional<RequestSequence> sequence_;
  std::optional<Arrivals> arrivals_;
  std::vector<uint8_t> echo_payload_;

  // Connections that may send, in turn: one ticket for each request that may be outstanding.
  std::vector<uint16_t> tickets_;
  uint64_t ticket_mask_ = 0;
  uint64_t ticket_head_ = 0;
  uint64_t ticket_tail_ = 0;

  std::vector<Outgoing> outgoing_;
  std::optional<Operation> next_operation_;  // drawn, and not written yet for want of room

  uint64_t written_total_ = 0;

  uint64_t next_scan_ = 0;
  uint64_t scan_interval_ = 0;
  uint32_t scan_chunk_ = 0;

  // Replies in several datagrams on their way, by slot.
  struct Pieces {
    uint64_t seen = 0;                        // one bit each
    std::vector<std::vector<uint8_t>> texts;  // when they are to be verified
  };
  std::unordered_map<uint32_t, Pieces> pieces_;
  std::vector<uint8_t> verified_;  // the frame that is being checked
};

}  // namespace plumbline::generator
