#include "session/command.hh"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

using namespace plumbline::generator;

namespace {

const char* kRun = R"({"command":"run","id":4,"seed":1,"timeoutMs":5000,
  "traffic":{"protocol":"memcached","keyspace":{"keys":100,"keySizes":{"kind":"fixed","bytes":20},
             "valueSizes":{"kind":"generalized-pareto","location":15,"scale":214.476,"shape":0.348238,"minimum":1,
                           "maximum":1024,"discrete":[[2,0.2],[11,0.1]]},"seed":2},
             "popularity":{"kind":"zipf","exponent":0.99},"getShare":0.9},
  "loop":{"kind":"closed","connections":8,"outstanding":4},
  "limit":{"kind":"seconds","seconds":2},"warmup":{"kind":"steady"}})";

std::string message_for(const nlohmann::json& command) {
  try {
    parse_command(command.dump());
  } catch (const BadCommand& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a run with its defaults") {
  const Command command = parse_command(kRun);
  CHECK(command.id == 4);
  const auto& run = std::get<RunCommand>(command.what);
  const auto& traffic = std::get<StoreTraffic>(run.traffic);
  CHECK(traffic.port == 11211);
  CHECK(traffic.keyspace.value_sizes.discrete.size() == 2);
  CHECK(traffic.popularity.zipf);
  CHECK(std::get<ClosedLoop>(run.loop).outstanding == 4);
  CHECK(run.slice_ms == 100);
  CHECK(run.loss_timeout_ms == 100);
  CHECK(run.settle_ms == 1);
  CHECK(run.verify == Verify::kSampled);
  CHECK(run.warmup == WarmupKind::kSteady);
  CHECK(run.tolerance == 0.05);
}

TEST_CASE("what is wrong is named with its place, its value and what is allowed") {
  nlohmann::json command = nlohmann::json::parse(kRun);
  command["loop"]["outstanding"] = 0;
  CHECK(message_for(command) == "loop.outstanding: 0 is not an integer from 1 to 4096");
  command["loop"]["outstanding"] = 4;
  command["traffic"]["keyspace"].erase("keys");
  CHECK(message_for(command) == "traffic.keyspace.keys: missing");
  command["traffic"]["keyspace"]["keys"] = 100;
  command["verify"] = "some";
  CHECK(message_for(command) == "verify: \"some\": allowed are all, sampled, none");
  command["verify"] = "all";
  command["extra"] = 1;
  CHECK(message_for(command) == "extra: unknown field");
}

TEST_CASE("errors carry the id when there is one") {
  for (const auto& [line, id] :
       {std::pair<const char*, std::optional<uint64_t>>{"{\"command\":\"fly\",\"id\":3}", 3},
        {"{\"command\":\"quit\"}", std::nullopt},
        {"[]", std::nullopt},
        {"{", std::nullopt},
        {"", std::nullopt}}) {
    try {
      parse_command(line);
      FAIL("accepted: ", line);
    } catch (const BadCommand& error) {
      CHECK(error.id == id);
      CHECK(std::string(error.what()).size() > 5);
    }
  }
}

TEST_CASE("the short commands") {
  CHECK(std::holds_alternative<QuitCommand>(parse_command(R"({"command":"quit","id":1})").what));
  const Command wait = parse_command(
      R"({"command":"wait-answer","id":1,"request":"get","port":11211,"timeoutMs":100})");
  CHECK(std::get<WaitAnswerCommand>(wait.what).interval_us == 200);
  const Command ask =
      parse_command(R"({"command":"ask","id":1,"request":"stats\r\n","timeoutMs":100})");
  CHECK(std::get<AskCommand>(ask.what).request == "stats\r\n");
}

TEST_CASE("TCP traffic has its own bounds and defaults") {
  nlohmann::json command = nlohmann::json::parse(kRun);
  command["traffic"]["transport"] = "tcp";
  command["loop"]["connections"] = 100'000;
  command["sources"] = 4;
  command["idleConnections"] = 100'000;
  const auto run = std::get<RunCommand>(parse_command(command.dump()).what);
  CHECK(transport_of(run.traffic) == Transport::kTcp);
  CHECK(run.loss_timeout_ms == 2000);
  CHECK(run.sources == 4);
  CHECK(run.idle_connections == 100'000);
  command["traffic"]["transport"] = "udp";
  CHECK(message_for(command) == "loop.connections: 100000 is not an integer from 1 to 1024");
  command["loop"]["connections"] = 8;
  CHECK(message_for(command) == "sources: 4 is not an integer from 1 to 1");
}

TEST_CASE("every protocol is read, and its fields are checked") {
  const auto with = [](const char* traffic) {
    nlohmann::json command = nlohmann::json::parse(kRun);
    command["traffic"] = nlohmann::json::parse(traffic);
    return command;
  };
  const auto traffic_of = [](const nlohmann::json& command) {
    return std::get<RunCommand>(parse_command(command.dump()).what).traffic;
  };
  nlohmann::json redis = nlohmann::json::parse(kRun);
  redis["traffic"]["protocol"] = "redis";
  CHECK(std::get<StoreTraffic>(traffic_of(redis)).port == 6379);
  CHECK(transport_of(traffic_of(redis)) == Transport::kTcp);
  CHECK(message_for(with(R"({"protocol":"echo","payloadBytes":1473})")) ==
        "traffic.payloadBytes: 1473 is not an integer from 8 to 1472");
  const Traffic echo =
      traffic_of(with(R"({"protocol":"echo","transport":"tcp","payloadBytes":65536})"));
  CHECK(std::get<EchoTraffic>(echo).payload_bytes == 65536);
  const char* stream =
      R"({"protocol":"stream","port":19,"direction":"from-server","messageBytes":65536})";
  CHECK_FALSE(std::get<StreamTraffic>(traffic_of(with(stream))).to_server);
  nlohmann::json open = with(stream);
  open["loop"] = {{"kind", "open"},
                  {"rate", 10},
                  {"arrivals", "fixed"},
                  {"connections", 1},
                  {"maxInFlight", 1}};
  CHECK(message_for(open).find("only a closed loop") != std::string::npos);
  CHECK(std::get<ConnectTraffic>(traffic_of(with(R"({"protocol":"connect","payloadBytes":64})")))
            .port == 7);
  const Traffic http = traffic_of(with(R"({"protocol":"http","path":"/i.html","bodyBytes":612})"));
  CHECK(std::get<HttpTraffic>(http).keep_alive);
  CHECK(message_for(with(R"({"protocol":"http","path":"/a b","bodyBytes":612})")) ==
        "traffic.path: '/a b' is not a '/' and printable characters");
}

TEST_CASE("redis is asked over TCP, at its port") {
  const auto populate = std::get<PopulateCommand>(
      parse_command(R"({"command":"populate","id":1,"protocol":"redis","timeoutMs":10,
        "keyspace":{"keys":1,"keySizes":{"kind":"fixed","bytes":2},
                    "valueSizes":{"kind":"fixed","bytes":2},"seed":1}})")
          .what);
  CHECK(populate.transport == Transport::kTcp);
  CHECK(populate.port == 6379);
  CHECK(message_for(nlohmann::json::parse(
            R"({"command":"wait-answer","id":1,"request":"ping","port":6379,"timeoutMs":1})")) ==
        "request: needs transport \"tcp\"");
}
