// The polling loop of a run of bytes in one direction.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "session/tcp_loop.hh"

namespace plumbline::generator {

class StreamLoop final : public TcpLoop {
 public:
  StreamLoop(Context& context, const RunCommand& run, uint64_t deadline_ticks);
  ~StreamLoop() override;

  void resume() override { resumed_at_ = ticks_now(); }
  void count() override;

 protected:
  uint32_t client_count() const override { return static_cast<uint32_t>(clients_.size()); }
  Client& client(uint32_t index) override { return clients_[index]; }
  void opened(Client& client) override;
  void readable(Client& client) override;
  void writable(Client& client) override;
  void ended(Client& client) override;
  bool send() override;
  bool drained() override;
  void scan(uint64_t) override {}

 private:
  struct StreamClient : Client {
    bool writable = false;
    uint64_t received = 0;
  };
  bool pump(StreamClient& client);
  bool drain(StreamClient& client);
  void look_at_limit();

  const StreamTraffic traffic_;
  std::vector<StreamClient> clients_;
  std::vector<std::byte> pattern_;
  std::vector<std::byte> sink_;
  uint64_t last_bytes_at_ = 0;
  // Messages that had passed when the limit was set.
  std::optional<uint64_t> limited_from_;
};

}  // namespace plumbline::generator
