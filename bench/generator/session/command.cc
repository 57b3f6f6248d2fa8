#include "session/command.hh"

#include "session/json_object.hh"

namespace plumbline::generator {

namespace {

constexpr double kMaximumMs = 600'000;
constexpr uint64_t kDefaultMemcachedPort = 11211;
constexpr uint64_t kDefaultRedisPort = 6379;
constexpr uint64_t kDefaultEchoPort = 7;
constexpr uint64_t kDefaultHttpPort = 80;
// Over UDP: a block of source ports (context.hh), and the numbers of a request table.
constexpr uint32_t kMaximumUdpConnections = 1024;
constexpr uint64_t kMaximumUdpWindow = 65536;
constexpr uint64_t kMaximumTcpWindow = 1 << 20;

uint16_t parse_port(JsonObject& object, const uint64_t* otherwise) {
  return static_cast<uint16_t>(object.integer_or("port", 1, 65535, otherwise));
}

double parse_timeout(JsonObject& object) { return object.number("timeoutMs", 1e-3, kMaximumMs); }

SizeDistribution parse_sizes(JsonObject object, uint64_t limit) {
  SizeDistribution sizes;
  sizes.kind = object.choice<SizeKind>(
      "kind", {{"fixed", SizeKind::kFixed},
               {"uniform", SizeKind::kUniform},
               {"generalized-pareto", SizeKind::kGeneralizedPareto},
               {"generalized-extreme-value", SizeKind::kGeneralizedExtremeValue}});
  if (sizes.is_fixed()) {
    sizes.minimum = sizes.maximum = static_cast<uint32_t>(object.integer("bytes", 0, limit));
    object.end();
    return sizes;
  }
  sizes.minimum = static_cast<uint32_t>(object.integer("minimum", 0, limit));
  sizes.maximum = static_cast<uint32_t>(object.integer("maximum", sizes.minimum, limit));
  if (sizes.kind != SizeKind::kUniform) {
    sizes.location = object.number("location", -1e9, 1e9);
    sizes.scale = object.number("scale", 1e-9, 1e9);
    sizes.shape = object.number("shape", -10, 10);
    if (const nlohmann::json* discrete = object.optional("discrete")) {
      double sum = 0;
      if (!discrete->is_array())
        object.fail("discrete", "expected an array of [bytes, probability]");
      for (const nlohmann::json& pair : *discrete) {
        if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number_unsigned() ||
            !pair[1].is_number() || pair[0].get<uint64_t>() > limit || pair[1].get<double>() < 0) {
          object.fail("discrete", pair.dump() + " is not [bytes, probability]");
        }
        sizes.discrete.emplace_back(pair[0].get<uint32_t>(), pair[1].get<double>());
        sum += pair[1].get<double>();
      }
      if (sum > 1 + 1e-9) object.fail("discrete", "the probabilities add up to more than 1");
    }
  }
  object.end();
  return sizes;
}

KeyspaceDescription parse_keyspace(JsonObject object) {
  KeyspaceDescription keyspace;
  keyspace.keys = static_cast<uint32_t>(object.integer("keys", 1, 16'000'000));
  keyspace.key_sizes = parse_sizes(object.object("keySizes"), kMaximumKeyBytes);
  keyspace.value_sizes = parse_sizes(object.object("valueSizes"), kMaximumValueBytes);
  keyspace.seed = static_cast<uint32_t>(object.integer("seed", 0, 0xffffffff));
  object.end();
  return keyspace;
}

PopularityDescription parse_popularity(JsonObject object) {
  PopularityDescription popularity;
  popularity.zipf = object.choice<bool>("kind", {{"uniform", false}, {"zipf", true}});
  if (popularity.zipf) popularity.exponent = object.number("exponent", 1e-6, 5);
  object.end();
  return popularity;
}

Transport parse_transport(JsonObject& object) {
  const Transport udp = Transport::kUdp;
  return object.choice<Transport>("transport", {{"udp", Transport::kUdp}, {"tcp", Transport::kTcp}},
                                  &udp);
}

// Whom a command outside of a run speaks to: redis has no UDP, and each has its port.
template <class StoreCommand>
void parse_store(JsonObject& object, StoreCommand& command) {
  const StoreProtocol memcached = StoreProtocol::kMemcached;
  command.protocol = object.choice<StoreProtocol>(
      "protocol", {{"memcached", StoreProtocol::kMemcached}, {"redis", StoreProtocol::kRedis}},
      &memcached);
  command.transport = parse_transport(object);
  const bool redis = command.protocol == StoreProtocol::kRedis;
  if (redis) command.transport = Transport::kTcp;
  command.port = parse_port(object, redis ? &kDefaultRedisPort : &kDefaultMemcachedPort);
}

StoreTraffic parse_store_traffic(JsonObject& object, StoreProtocol protocol) {
  StoreTraffic store;
  store.protocol = protocol;
  const bool redis = protocol == StoreProtocol::kRedis;
  store.transport = redis ? Transport::kTcp : parse_transport(object);
  store.port = parse_port(object, redis ? &kDefaultRedisPort : &kDefaultMemcachedPort);
  store.keyspace = parse_keyspace(object.object("keyspace"));
  store.popularity = parse_popularity(object.object("popularity"));
  store.get_share = object.number("getShare", 0, 1);
  return store;
}

EchoTraffic parse_echo(JsonObject& object) {
  EchoTraffic echo;
  echo.transport = parse_transport(object);
  echo.port = parse_port(object, &kDefaultEchoPort);
  const bool tcp = echo.transport == Transport::kTcp;
  echo.payload_bytes =
      static_cast<uint32_t>(object.integer("payloadBytes", tcp ? 1 : 8, tcp ? 65536 : 1472));
  return echo;
}

StreamTraffic parse_stream(JsonObject& object) {
  StreamTraffic stream;
  stream.port = parse_port(object, nullptr);
  stream.to_server =
      object.choice<bool>("direction", {{"to-server", true}, {"from-server", false}});
  stream.message_bytes = static_cast<uint32_t>(object.integer("messageBytes", 64, 65536));
  return stream;
}

ConnectTraffic parse_connect(JsonObject& object) {
  ConnectTraffic connect;
  connect.port = parse_port(object, &kDefaultEchoPort);
  connect.payload_bytes = static_cast<uint32_t>(object.integer("payloadBytes", 1, 1448));
  return connect;
}

HttpTraffic parse_http(JsonObject& object) {
  HttpTraffic http;
  http.port = parse_port(object, &kDefaultHttpPort);
  http.path = object.text("path", 1, 1000);
  for (const char byte : http.path) {
    // What a request line may hold as it is (RFC 9112, 3.2).
    if (http.path[0] != '/' || byte < '!' || byte > '~')
      object.fail("path", "'" + http.path + "' is not a '/' and printable characters");
  }
  http.body_bytes = static_cast<uint32_t>(object.integer("bodyBytes", 0, 16'777'216));
  http.keep_alive = object.boolean_or("keepAlive", true);
  return http;
}

Traffic parse_traffic(JsonObject object) {
  enum class Protocol { kMemcached, kRedis, kEcho, kStream, kConnect, kHttp };
  const auto protocol = object.choice<Protocol>("protocol", {{"memcached", Protocol::kMemcached},
                                                             {"redis", Protocol::kRedis},
                                                             {"echo", Protocol::kEcho},
                                                             {"stream", Protocol::kStream},
                                                             {"connect", Protocol::kConnect},
                                                             {"http", Protocol::kHttp}});
  Traffic traffic;
  switch (protocol) {
    case Protocol::kMemcached:
      traffic = parse_store_traffic(object, StoreProtocol::kMemcached);
      break;
    case Protocol::kRedis:
      traffic = parse_store_traffic(object, StoreProtocol::kRedis);
      break;
    case Protocol::kEcho:
      traffic = parse_echo(object);
      break;
    case Protocol::kStream:
      traffic = parse_stream(object);
      break;
    case Protocol::kConnect:
      traffic = parse_connect(object);
      break;
    case Protocol::kHttp:
      traffic = parse_http(object);
      break;
  }
  object.end();
  return traffic;
}

std::variant<ClosedLoop, OpenLoop> parse_loop(JsonObject object, Transport transport) {
  const bool udp = transport == Transport::kUdp;
  const bool open = object.choice<bool>("kind", {{"closed", false}, {"open", true}});
  const auto connections = static_cast<uint32_t>(
      object.integer("connections", 1, udp ? kMaximumUdpConnections : 131072));
  if (!open) {
    const auto outstanding = static_cast<uint32_t>(object.integer("outstanding", 1, 4096));
    const uint64_t most = udp ? kMaximumUdpWindow : kMaximumTcpWindow;
    if (uint64_t{connections} * outstanding > most)
      object.fail("outstanding", "connections x outstanding exceeds " + std::to_string(most));
    object.end();
    return ClosedLoop{connections, outstanding};
  }
  OpenLoop loop;
  loop.connections = connections;
  loop.rate = object.number("rate", 1e-3, 1e9);
  loop.arrivals = object.choice<ArrivalKind>(
      "arrivals", {{"poisson", ArrivalKind::kPoisson}, {"fixed", ArrivalKind::kFixed}});
  loop.max_in_flight = static_cast<uint32_t>(object.integer("maxInFlight", 1, 65536));
  if (loop.max_in_flight > uint64_t{connections} * 4096) {
    object.fail("maxInFlight", "more than 4096 for each connection; raise connections");
  }
  object.end();
  return loop;
}

void parse_limit(JsonObject object, RunCommand& run) {
  if (object.choice<bool>("kind", {{"seconds", false}, {"requests", true}})) {
    run.requests = object.integer("requests", 1, uint64_t{1} << 53);
  } else {
    run.seconds = object.number("seconds", 1e-3, 1e6);
  }
  object.end();
}

void parse_warmup(JsonObject object, RunCommand& run) {
  run.warmup = object.choice<WarmupKind>("kind", {{"none", WarmupKind::kNone},
                                                  {"seconds", WarmupKind::kSeconds},
                                                  {"steady", WarmupKind::kSteady}});
  if (run.warmup == WarmupKind::kSeconds) run.warmup_seconds = object.number("seconds", 1e-3, 1e6);
  if (run.warmup == WarmupKind::kSteady) {
    run.tolerance = object.number_or("tolerance", 1e-6, 10, 0.05);
    run.warmup_seconds = object.number_or("maxSeconds", 1e-3, 1e6, 2);
  }
  object.end();
}

RunCommand parse_run(JsonObject& object) {
  RunCommand run;
  run.traffic = parse_traffic(object.object("traffic"));
  const Transport transport = transport_of(run.traffic);
  const bool tcp = transport == Transport::kTcp;
  run.loop = parse_loop(object.object("loop"), transport);
  if (std::holds_alternative<StreamTraffic>(run.traffic) &&
      std::holds_alternative<OpenLoop>(run.loop))
    object.fail("loop", "a stream has no requests that could be due: only a closed loop");
  const uint64_t one = 1;
  const uint64_t none = 0;
  run.sources = static_cast<uint32_t>(object.integer_or("sources", 1, tcp ? 250 : 1, &one));
  run.idle_connections =
      static_cast<uint32_t>(object.integer_or("idleConnections", 0, tcp ? 1'000'000 : 0, &none));
  parse_limit(object.object("limit"), run);
  parse_warmup(object.object("warmup"), run);
  const Verify sampled = Verify::kSampled;
  run.verify = object.choice<Verify>(
      "verify", {{"all", Verify::kAll}, {"sampled", Verify::kSampled}, {"none", Verify::kNone}},
      &sampled);
  run.slice_ms = object.number_or("sliceMs", 0, kMaximumMs, 100);
  run.probe = object.boolean_or("probe", true);
  run.loss_timeout_ms = object.number_or("lossTimeoutMs", 1e-3, kMaximumMs, tcp ? 2000 : 100);
  // An open loop's queue needs longer to reach its usual length than a closed loop's window to
  // fill.
  run.settle_ms = object.number_or("settleMs", 0, kMaximumMs,
                                   std::holds_alternative<OpenLoop>(run.loop) ? 5 : 1);
  run.seed = static_cast<uint32_t>(object.integer("seed", 0, 0xffffffff));
  run.timeout_ms = parse_timeout(object);
  return run;
}

WaitAnswerCommand parse_wait_answer(JsonObject& object) {
  WaitAnswerCommand wait;
  wait.request = object.choice<ProbeRequest>("request", {{"version", ProbeRequest::kVersion},
                                                         {"get", ProbeRequest::kGet},
                                                         {"echo", ProbeRequest::kEcho},
                                                         {"ping", ProbeRequest::kPing},
                                                         {"http", ProbeRequest::kHttp},
                                                         {"connect", ProbeRequest::kConnect}});
  wait.transport = parse_transport(object);
  if (wait.request >= ProbeRequest::kPing && wait.transport == Transport::kUdp)
    object.fail("request", "needs transport \"tcp\"");
  wait.port = parse_port(object, nullptr);
  wait.timeout_ms = parse_timeout(object);
  wait.interval_us = object.number_or("intervalUs", 10, 1e9, 200);
  return wait;
}

PopulateCommand parse_populate(JsonObject& object) {
  PopulateCommand populate;
  parse_store(object, populate);
  populate.keyspace = parse_keyspace(object.object("keyspace"));
  const uint64_t window = 32;
  populate.window = static_cast<uint32_t>(object.integer_or("window", 1, 256, &window));
  populate.timeout_ms = parse_timeout(object);
  populate.retry_ms = object.number_or("retryMs", 1e-3, kMaximumMs, 100);
  return populate;
}

AskCommand parse_ask(JsonObject& object) {
  AskCommand ask;
  parse_store(object, ask);
  ask.request = object.text("request", 1, 1400);
  ask.timeout_ms = parse_timeout(object);
  return ask;
}

}  // namespace

Transport transport_of(const Traffic& traffic) {
  if (const auto* store = std::get_if<StoreTraffic>(&traffic)) return store->transport;
  if (const auto* echo = std::get_if<EchoTraffic>(&traffic)) return echo->transport;
  return Transport::kTcp;
}

Command parse_command(std::string_view line) {
  Command command;
  std::optional<uint64_t> id;
  try {
    const nlohmann::json json = nlohmann::json::parse(line);
    JsonObject object(json, "");
    id = object.integer("id", 0, uint64_t{1} << 53);
    command.id = *id;
    const std::string name = object.text("command", 1, 64);
    if (name == "run") {
      command.what = parse_run(object);
    } else if (name == "wait-answer") {
      command.what = parse_wait_answer(object);
    } else if (name == "populate") {
      command.what = parse_populate(object);
    } else if (name == "ask") {
      command.what = parse_ask(object);
    } else if (name == "probe") {
      command.what = ProbeCommand{};
    } else if (name == "stats") {
      command.what = StatsCommand{};
    } else if (name == "stop") {
      command.what = StopCommand{};
    } else if (name == "quit") {
      command.what = QuitCommand{};
    } else {
      object.fail(
          "command",
          "'" + name +
              "': allowed are wait-answer, populate, run, ask, probe, stats, stop and quit");
    }
    object.end();
  } catch (const std::exception& error) {
    throw BadCommand(id, error.what());
  }
  return command;
}

}  // namespace plumbline::generator
