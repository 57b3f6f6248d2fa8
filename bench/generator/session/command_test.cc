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
  const auto& traffic = std::get<MemcachedTraffic>(run.traffic);
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
