// The polling loop of a run of requests and replies over TCP: on connections that stay, each with
// its requests pipelined, or on a connection for each request.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "session/tcp_loop.hh"
#include "traffic/arrivals.hh"
#include "traffic/keyspace.hh"
#include "traffic/request_codec.hh"
#include "traffic/request_sequence.hh"

namespace plumbline::generator {

class RequestLoop final : public TcpLoop {
 public:
  RequestLoop(Context& context, const RunCommand& run, uint64_t deadline_ticks);
  ~RequestLoop() override;

  void resume() override;

 protected:
  uint32_t client_count() const override { return static_cast<uint32_t>(clients_.size()); }
  Client& client(uint32_t index) override { return clients_[index]; }
  bool opens_before() const override { return !connection_each_; }
  void opened(Client& client) override;
  void readable(Client& client) override;
  void writable(Client& client) override;
  void ended(Client& client) override;
  bool send() override;
  void scan(uint64_t now) override;

 private:
  // A request on its way. Replies come in the order of the requests, so it has no number.
  struct Place {
    uint64_t intended = 0;  // clock ticks from which its latency counts
    uint64_t sent = 0;      // clock ticks from which its time-out counts
    uint32_t key = 0;
    uint16_t slice = 0;
    bool is_set = false;
    bool verify = false;
  };
  struct RequestClient : Client {
    // Numbers of requests, running on: head <= lost <= tail. Those before `lost` timed out.
    uint32_t head = 0;
    uint32_t lost = 0;
    uint32_t tail = 0;
    bool broken = false;         // its stream cannot be understood any further
    bool last = false;           // the server closes the connection
    std::vector<uint8_t> carry;  // the beginning of a reply
    std::vector<char> unsent;    // what the connection had no room for
    uint32_t outstanding() const { return tail - head; }
  };
  Place& place(const RequestClient& client, uint32_t number) {
    return places_[size_t{client.index} * depth_mask_ + client.index + (number & depth_mask_)];
  }
  static Operation operation_of(const Place& place) { return {place.key, place.is_set}; }

  void set_up(const Traffic& traffic, uint32_t seed);
  bool fill(RequestClient& client, uint32_t most, uint64_t intended);
  bool begin(RequestClient& client, uint64_t intended);
  Place& add(RequestClient& client);
  void set_sent(Place& place, uint64_t intended, uint64_t now);
  void post(RequestClient& client, std::span<const char> text);
  bool send_due();
  void take(RequestClient& client, std::span<const uint8_t> bytes);
  size_t parse(RequestClient& client, std::span<const uint8_t> text);
  void complete(RequestClient& client, const StreamReply& reply, std::span<const uint8_t> text);
  void give_up(RequestClient& client);
  void restart(RequestClient& client);
  void push_ticket(uint32_t index) { tickets_[ticket_tail_++ & ticket_mask_] = index; }

  const bool open_loop_;
  const Verify verify_;
  bool connection_each_ = false;
  std::optional<Keyspace> keyspace_;
  std::optional<RequestSequence> sequence_;
  std::unique_ptr<RequestCodec> codec_;
  std::optional<Arrivals> arrivals_;

  std::vector<RequestClient> clients_;
  std::vector<Place> places_;  // of each client as many as may be outstanding, rounded up
  uint32_t depth_ = 1;
  uint32_t depth_mask_ = 0;
  bool start_all_ = false;  // clients have to be looked at that nothing happens to
  std::vector<char> scratch_;
  uint64_t written_total_ = 0;
  uint32_t scan_position_ = 0;

  // Of an open loop: who may send, in turn.
  std::vector<uint32_t> tickets_;
  uint64_t ticket_mask_ = 0;
  uint64_t ticket_head_ = 0;
  uint64_t ticket_tail_ = 0;
};

}  // namespace plumbline::generator
