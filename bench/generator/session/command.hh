// The commands of the control protocol (bench/src/generator/protocol.ts is its definition), parsed
// and checked.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

#include "traffic/arrivals.hh"
#include "traffic/keyspace.hh"
#include "traffic/popularity.hh"

namespace plumbline::generator {

enum class Transport { kUdp, kTcp };
enum class ProbeRequest { kVersion, kGet, kEcho, kPing, kHttp, kConnect };
enum class StoreProtocol { kMemcached, kRedis };

struct WaitAnswerCommand {
  ProbeRequest request = ProbeRequest::kVersion;
  Transport transport = Transport::kUdp;
  uint16_t port = 0;
  double timeout_ms = 0;
  double interval_us = 0;
};

struct PopulateCommand {
  StoreProtocol protocol = StoreProtocol::kMemcached;
  Transport transport = Transport::kUdp;
  uint16_t port = 0;
  KeyspaceDescription keyspace;
  uint32_t window = 0;
  double timeout_ms = 0;
  double retry_ms = 0;
};

// Gets and sets of a keyspace.
struct StoreTraffic {
  StoreProtocol protocol = StoreProtocol::kMemcached;
  Transport transport = Transport::kUdp;
  uint16_t port = 0;
  KeyspaceDescription keyspace;
  PopularityDescription popularity;
  double get_share = 1;
};

struct EchoTraffic {
  Transport transport = Transport::kUdp;
  uint16_t port = 0;
  uint32_t payload_bytes = 0;
};

// Bytes in one direction, over TCP as all that follow.
struct StreamTraffic {
  uint16_t port = 0;
  bool to_server = true;
  uint32_t message_bytes = 0;
};

// A connection for each request, which is echoed.
struct ConnectTraffic {
  uint16_t port = 0;
  uint32_t payload_bytes = 0;
};

struct HttpTraffic {
  uint16_t port = 0;
  std::string path;
  uint32_t body_bytes = 0;
  bool keep_alive = true;
};

using Traffic = std::variant<StoreTraffic, EchoTraffic, StreamTraffic, ConnectTraffic, HttpTraffic>;
Transport transport_of(const Traffic& traffic);

struct ClosedLoop {
  uint32_t connections = 0;
  uint32_t outstanding = 0;
};

struct OpenLoop {
  double rate = 0;
  ArrivalKind arrivals = ArrivalKind::kPoisson;
  uint32_t connections = 0;
  uint32_t max_in_flight = 0;
};

enum class WarmupKind { kNone, kSeconds, kSteady };
enum class Verify { kNone, kSampled, kAll };

struct RunCommand {
  Traffic traffic;
  std::variant<ClosedLoop, OpenLoop> loop;
  uint32_t sources = 1;           // addresses that connections are opened from, in turn
  uint32_t idle_connections = 0;  // opened before the run and left alone
  // One of the two is not zero.
  double seconds = 0;
  uint64_t requests = 0;
  WarmupKind warmup = WarmupKind::kNone;
  double warmup_seconds = 0;  // kSteady: at most
  double tolerance = 0;
  Verify verify = Verify::kSampled;
  double slice_ms = 0;
  bool probe = true;
  double loss_timeout_ms = 0;
  double settle_ms = 0;
  uint32_t seed = 0;
  double timeout_ms = 0;
};

struct AskCommand {
  StoreProtocol protocol = StoreProtocol::kMemcached;
  Transport transport = Transport::kUdp;
  uint16_t port = 0;
  std::string request;
  double timeout_ms = 0;
};

struct ProbeCommand {};
struct StatsCommand {};
struct StopCommand {};
struct QuitCommand {};

struct Command {
  uint64_t id = 0;
  std::variant<WaitAnswerCommand, PopulateCommand, RunCommand, AskCommand, ProbeCommand,
               StatsCommand, StopCommand, QuitCommand>
      what;
};

// What is wrong with a command; the message names the field, its value and what is allowed.
struct BadCommand : std::runtime_error {
  BadCommand(std::optional<uint64_t> command_id, const std::string& message)
      : std::runtime_error(message), id(command_id) {}
  std::optional<uint64_t> id;
};

// Parses one line. Throws BadCommand.
Command parse_command(std::string_view line);

}  // namespace plumbline::generator
