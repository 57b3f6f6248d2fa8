#include "arguments.hh"

#include <doctest/doctest.h>
#include <sched.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace plumbline::generator {

namespace {

std::optional<Arguments> parse(std::vector<const char*> more) {
  // A core that this process may use, wherever it runs.
  const std::string core = std::to_string(sched_getcpu());
  std::vector<const char*> all = {"generator", "--core", core.c_str()};
  all.insert(all.end(), more.begin(), more.end());
  return parse_arguments(static_cast<int>(all.size()), all.data());
}

}  // namespace

TEST_CASE("--damage takes two shares and a seed") {
  const auto arguments = parse({"--device", "vhost:/tmp/s", "--damage", "0.1,0.25,42"});
  REQUIRE(arguments->damage);
  CHECK(arguments->damage->drop == 0.1);
  CHECK(arguments->damage->cut == 0.25);
  CHECK(arguments->damage->seed == 42);
  CHECK(!parse({"--device", "vhost:/tmp/s"})->damage);
  for (const char* wrong : {"0.1", "0.1,0.2", "0.1,0.2,", "0.1,0.2,x", "0.6,0.5,1", "-0.1,0,1",
                            "nan,0,1", "0.1,0.2,1,2", ","}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse({"--device", "vhost:/tmp/s", "--damage", wrong}), std::invalid_argument);
  }
}

TEST_CASE("--tso is off unless asked for") {
  CHECK(!parse({"--device", "vhost:/tmp/s"})->tso);
  CHECK(parse({"--device", "vhost:/tmp/s", "--tso", "on"})->tso);
  CHECK(!parse({"--device", "packet:lo", "--tso", "off"})->tso);
  CHECK_THROWS_AS(parse({"--device", "packet:lo", "--tso", "1"}), std::invalid_argument);
}

TEST_CASE("--queues is 1 unless asked for, and several only with vhost") {
  CHECK(parse({"--device", "vhost:/tmp/s"})->queues == 1);
  CHECK(parse({"--device", "vhost:/tmp/s", "--queues", "16"})->queues == 16);
  CHECK(parse({"--device", "packet:lo", "--queues", "1"})->queues == 1);
  CHECK_THROWS_AS(parse({"--device", "packet:lo", "--queues", "2"}), std::invalid_argument);
  for (const char* wrong : {"0", "17", "2x", "-1", "", "65537"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse({"--device", "vhost:/tmp/s", "--queues", wrong}), std::invalid_argument);
  }
}

}  // namespace plumbline::generator
