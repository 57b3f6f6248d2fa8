// What the polling loops over TCP have in common: a host, connections that are opened before the
// run and again when they were lost, and the rounds of receiving, answering and sending.
#pragma once

#include <memory>
#include <vector>

#include "session/command.hh"
#include "session/loop.hh"
#include "tcp/host.hh"

namespace plumbline::generator {

class TcpLoop;

// The loop's side of one connection.
struct Client : net::tcp::Owner {
  enum class State : uint8_t {
    kClosed,   // and to be opened, or waits for its turn
    kOpening,  // its SYN was sent
    kOpen,
  };
  net::tcp::Connection* connection = nullptr;
  TcpLoop* loop = nullptr;
  Client* next_ready = nullptr;
  uint32_t events = 0;  // told and not looked at; not 0: it is among the ready ones
  uint32_t index = 0;
  State state = State::kClosed;
  uint64_t opened_at = 0;  // clock ticks: when its SYN was sent
  uint64_t queued = 0;     // bytes of payload that the connection was given
  // Of them, those that the server is known to have acknowledged.
  uint64_t acknowledged = 0;
};

class TcpLoop : public Loop {
 public:
  ~TcpLoop() override;
  void prepare() override;
  void count() override;

 protected:
  TcpLoop(Context& context, const RunCommand& run, uint16_t port, uint64_t deadline_ticks);

  // Whoever derives has the clients, by index.
  virtual uint32_t client_count() const = 0;
  virtual Client& client(uint32_t index) = 0;
  // Whether connections are there before anybody wants to send.
  virtual bool opens_before() const { return true; }
  // The handshake is over; data came; there is room again; the connection is gone, or the server
  // has closed it: it is no more when the last returns.
  virtual void opened(Client& client) = 0;
  virtual void readable(Client& client) = 0;
  virtual void writable(Client& client) = 0;
  virtual void ended(Client& client) = 0;
  // Puts requests on their way in each round while the loop sends; true when there was work.
  virtual bool send() = 0;
  // Nothing is on its way any more, as far as the loop waits for it in a pause.
  virtual bool drained() { return in_flight_ == 0; }
  // Looks for requests that were not answered.
  virtual void scan(uint64_t now) = 0;

  void spin(uint64_t until, bool sending) final;
  // Sends the SYN; false when that is not possible now.
  bool open(Client& client);
  // Ends the connection; what is unsent still goes, unless it is reset.
  void close(Client& client);
  void reset(Client& client);
  // Opens it again, somewhat later.
  void open_later(Client& client);
  // Resets all clients: what the destructor of whoever has them does.
  void release_all();
  bool is_sending() const { return sending_; }
  Host& host() { return *host_; }
  // When the burst that is being handled was taken from the port.
  uint64_t received_at() const { return received_at_; }
  void count_received(uint64_t bytes) { received_bytes_ += bytes; }

 private:
  struct Idle : net::tcp::Owner {
    net::tcp::Connection* connection = nullptr;
    TcpLoop* loop = nullptr;
    bool open = false;
  };
  static void notify(net::tcp::Owner& owner, net::tcp::Connection& connection, uint32_t events);
  static void notify_idle(net::tcp::Owner& owner, net::tcp::Connection& connection,
                          uint32_t events);
  bool round(bool sending);
  bool handle_ready();
  void handle(Client& client, uint32_t events);
  void reopen(uint64_t now);
  template <class Open>
  void open_all(uint32_t wanted, const char* what, const uint32_t& open_count, Open&& open_one);
  void let_go(Client& client);
  void make_way_for_resets(uint32_t& unsent);

  const uint16_t port_;
  const uint32_t sources_;
  const uint32_t idle_wanted_;
  std::unique_ptr<Host> host_;
  std::vector<Idle> idle_;
  uint32_t idle_open_ = 0;
  uint32_t clients_open_ = 0;
  Errno open_error_ = Errno::kNone;  // why one was refused while preparing
  Client* ready_ = nullptr;
  std::vector<std::pair<uint64_t, uint32_t>> reopen_;  // when, and which client
  bool preparing_ = false;
  bool peer_takes_resets_ = true;
  bool sending_ = false;
  uint64_t next_scan_ = 0;
  uint64_t received_at_ = 0;
  uint64_t acknowledged_before_ = 0;  // bytes, of connections that are gone
  uint64_t received_bytes_ = 0;
};

}  // namespace plumbline::generator
