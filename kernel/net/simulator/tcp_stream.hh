// A connection of a simulated host as applications see it.
#pragma once

#include "net/simulator/byte_stream.hh"
#include "net/tcp/connection.hh"

namespace plumbline::net::simulator {

class Host;

struct StreamOptions {
  bool no_delay = false;
  bool keepalive = false;
};

class TcpStream final : public ByteStream, private tcp::Owner {
 public:
  TcpStream(Host& host, tcp::Connection& connection, uint16_t client_port,
            const StreamOptions& options);
  TcpStream(const TcpStream&) = delete;
  TcpStream& operator=(const TcpStream&) = delete;

  Condition condition() const override;
  int error() const override;
  size_t write(std::span<const std::byte> bytes) override;
  size_t read(std::span<std::byte> to) override;
  bool at_end() const override;
  void finish() override;
  void close() override;
  void abort() override;

  void set(const StreamOptions& options);
  // nullptr once closed.
  tcp::Connection* connection() const { return connection_; }

 private:
  static void notify(tcp::Owner& owner, tcp::Connection& connection, uint32_t events);
  void leave();

  Host& host_;
  tcp::Connection* connection_;
  uint16_t client_port_;
  uint64_t written_ = 0;
  bool wake_queued_ = false;
};

}  // namespace plumbline::net::simulator
