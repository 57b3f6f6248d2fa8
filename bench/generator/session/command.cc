#include "session/command.hh"

#include "session/json_object.hh"

namespace plumbline::generator {

namespace {

constexpr double kMaximumMs = 600'000;
constexpr uint64_t kDefaultMemcachedPort = 11211;
constexpr uint64_t kDefaultEchoPort = 7;

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

std::variant<MemcachedTraffic, EchoTraffic> parse_traffic(JsonObject object) {
  if (object.choice<bool>("protocol", {{"memcached", false}, {"echo", true}})) {
    EchoTraffic echo;
    echo.port = parse_port(object, &kDefaultEchoPort);
    echo.payload_bytes = static_cast<uint32_t>(object.integer("payloadBytes", 8, 1472));
    object.end();
    return echo;
  }
  MemcachedTraffic memcached;
  memcached.port = parse_port(object, &kDefaultMemcachedPort);
  memcached.keyspace = parse_keyspace(object.object("keyspace"));
  memcached.popularity = parse_popularity(object.object("popularity"));
  memcached.get_share = object.number("getShare", 0, 1);
  object.end();
  return memcached;
}

std::variant<ClosedLoop, OpenLoop> parse_loop(JsonObject object) {
  const bool open = object.choice<bool>("kind", {{"closed", false}, {"open", true}});
  const auto connections = static_cast<uint32_t>(object.integer("connections", 1, 1024));
  if (!open) {
    const auto outstanding = static_cast<uint32_t>(object.integer("outstanding", 1, 4096));
    if (connections * outstanding > 65536)
      object.fail("outstanding", "connections x outstanding exceeds 65536");
    object.end();
    return ClosedLoop{connections, outstanding};
  }
  OpenLoop loop;
  loop.connections = connections;
  loop.rate = object.number("rate", 1e-3, 1e9);
  loop.arrivals = object.choice<ArrivalKind>(
      "arrivals", {{"poisson", ArrivalKind::kPoisson}, {"fixed", ArrivalKind::kFixed}});
  loop.max_in_flight = static_cast<uint32_t>(object.integer("maxInFlight", 1, 65536));
  if (loop.max_in_flight > connections * 4096) {
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
  run.loop = parse_loop(object.object("loop"));
  parse_limit(object.object("limit"), run);
  parse_warmup(object.object("warmup"), run);
  const Verify sampled = Verify::kSampled;
  run.verify = object.choice<Verify>(
      "verify", {{"all", Verify::kAll}, {"sampled", Verify::kSampled}, {"none", Verify::kNone}},
      &sampled);
  run.slice_ms = object.number_or("sliceMs", 0, kMaximumMs, 100);
  run.probe = object.boolean_or("probe", true);
  run.loss_timeout_ms = object.number_or("lossTimeoutMs", 1e-3, kMaximumMs, 100);
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
                                                         {"echo", ProbeRequest::kEcho}});
  wait.port = parse_port(object, nullptr);
  wait.timeout_ms = parse_timeout(object);
  wait.interval_us = object.number_or("intervalUs", 10, 1e9, 200);
  return wait;
}

PopulateCommand parse_populate(JsonObject& object) {
  PopulateCommand populate;
  populate.port = parse_port(object, &kDefaultMemcachedPort);
  populate.keyspace = parse_keyspace(object.object("keyspace"));
  const uint64_t window = 32;
  populate.window = static_cast<uint32_t>(object.integer_or("window", 1, 256, &window));
  populate.timeout_ms = parse_timeout(object);
  populate.retry_ms = object.number_or("retryMs", 1e-3, kMaximumMs, 100);
  return populate;
}

AskCommand parse_ask(JsonObject& object) {
  AskCommand ask;
  ask.port = parse_port(object, &kDefaultMemcachedPort);
  ask.request = object.text("request", 1, 1400);
  ask.timeout_ms = parse_timeout(object);
  return ask;
}

}  // namespace

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
