// One connection, for what is asked outside of runs: readiness, questions, population.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "session/context.hh"
#include "tcp/host.hh"

namespace plumbline::generator {

class Conversation : private net::tcp::Owner {
 public:
  enum class State { kOpening, kOpen, kEnded };

  // Sends a SYN again after `first_timeout`, then after twice that, and so on.
  Conversation(Context& context, uint16_t port, Nanoseconds first_timeout);
  ~Conversation();
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  // One round: receives and sends.
  void poll();
  State state() const { return state_; }
  // Queues text; it is sent as the connection takes it.
  void send(std::string_view text) { unsent_ += text; }
  bool sent_all() const { return unsent_.empty(); }
  // What has come and was not consumed.
  const std::string& received() const { return received_; }
  void consume(size_t bytes) { received_.erase(0, bytes); }

 private:
  static void notify(net::tcp::Owner& owner, net::tcp::Connection& connection, uint32_t events);

  Host host_;
  net::tcp::Connection* connection_;
  State state_ = State::kOpening;
  uint32_t events_ = 0;
  std::string unsent_;
  std::string received_;
};

}  // namespace plumbline::generator
