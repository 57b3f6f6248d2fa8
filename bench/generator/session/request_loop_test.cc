// The loops over TCP against a server whose faults are known: every request is accounted for.
#include "session/request_loop.hh"

#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "session/stream_loop.hh"
#include "session/tcp_commands.hh"
#include "tcp/test_network.hh"
#include "traffic/redis_codec.hh"

namespace plumbline::generator {

// In the generator DPDK says so.
double tsc_hz() { return 2e9; }

namespace {

using nlohmann::json;
using Session = TestServer::Session;

class World {
 public:
  World(uint16_t port, TestServer::Answer answer)
      : context_(client_port_, &client_port_, arguments(), nullptr, stop_, quit_) {
    client_port_.connect(server_port_);
    server_port_.connect(client_port_);
    server_.emplace(server_port_, port, std::move(answer));
    client_port_.before_receiving = [this] { server_->poll(); };
    context_.link_was_up = true;  // nobody hears of it
  }
  Context& context() { return context_; }
  TestServer& server() { return *server_; }

 private:
  static Arguments arguments() {
    Arguments arguments;
    arguments.own = kTestClient;
    arguments.peer = kTestServer;
    return arguments;
  }
  WirePort client_port_;
  WirePort server_port_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> quit_{false};
  Context context_;
  std::optional<TestServer> server_;
};

RunCommand command(json traffic, json loop, double loss_timeout_ms = 1000) {
  const json whole = {{"command", "run"},
                      {"id", 1},
                      {"traffic", std::move(traffic)},
                      {"loop", std::move(loop)},
                      {"limit", {{"kind", "requests"}, {"requests", 1}}},
                      {"warmup", {{"kind", "none"}}},
                      {"verify", "all"},
                      {"lossTimeoutMs", loss_timeout_ms},
                      {"seed", 1},
                      {"timeoutMs", 20'000}};
  return std::get<RunCommand>(parse_command(whole.dump()).what);
}

json closed(uint32_t connections, uint32_t outstanding) {
  return {{"kind", "closed"}, {"connections", connections}, {"outstanding", outstanding}};
}
const json kEcho = {{"protocol", "echo"}, {"transport", "tcp"}, {"payloadBytes", 100}};

uint64_t in_ms(double ms) { return ticks_now() + static_cast<uint64_t>(ms * 2e6); }

// Sends so many requests in one slice and waits for all of them.
Counters carry_out(Loop& loop, uint64_t requests) {
  loop.prepare();
  loop.limit_requests(requests);
  loop.resume();
  loop.begin_slice(0);
  loop.send_until(in_ms(10'000));
  loop.end_slice();
  loop.finish();
  loop.count();
  const Counters& counters = loop.counters();
  CHECK(counters.sent == counters.replies + counters.lost);
  CHECK(counters.lost == loop.lost_in(0));
  return counters;
}

void echo(Session& each) {
  each.unsent += each.received;
  each.received.clear();
}

}  // namespace

TEST_CASE("every request on pipelined connections is answered and checked") {
  World world(7, echo);
  const RunCommand run = command(kEcho, closed(4, 8));
  RequestLoop loop(world.context(), run, in_ms(20'000));
  const Counters counters = carry_out(loop, 10'000);
  CHECK(counters.sent == 10'000);
  CHECK(counters.replies == 10'000);
  CHECK(counters.verified == 10'000);
  CHECK(counters.bad == 0);
  CHECK(counters.opened == 4);
  CHECK(counters.resets == 0);
  CHECK(counters.bytes_sent == 1'000'000);
  CHECK(counters.bytes_received == 1'000'000);
  CHECK(loop.latency().count() == 10'000);
  CHECK(world.server().accepted() == 4);
  CHECK_FALSE(loop.first_bad());
}

TEST_CASE("an open loop sends what is due on whatever connection is free") {
  World world(7, echo);
  const RunCommand run = command(kEcho, {{"kind", "open"},
                                         {"rate", 50'000},
                                         {"arrivals", "poisson"},
                                         {"connections", 3},
                                         {"maxInFlight", 100}});
  RequestLoop loop(world.context(), run, in_ms(20'000));
  const Counters counters = carry_out(loop, 1000);
  CHECK(counters.replies == 1000);
  CHECK(loop.latency().count() == 1000);
}

TEST_CASE("a server that resets connections loses what was on its way, and gets new ones") {
  uint32_t answered = 0;
  World world(7, [&](Session& each) {
    if (each.received.size() < 100) return;
    if (++answered % 10 == 0)
      each.resets = true;
    else
      each.unsent += each.received.substr(0, 100);
    each.received.erase(0, 100);
  });
  const RunCommand run = command(kEcho, closed(2, 3));
  RequestLoop loop(world.context(), run, in_ms(20'000));
  const Counters counters = carry_out(loop, 200);
  CHECK(counters.sent == 200);
  CHECK(counters.lost > 0);
  CHECK(counters.resets > 2);
  // At the end of the run one or two are not opened again.
  CHECK(counters.opened >= counters.resets);
  CHECK(counters.opened <= 2 + counters.resets);
  CHECK(counters.bad == 0);
}

TEST_CASE("what is never answered is lost, what is answered later is late") {
  bool silent = true;
  World world(7, [&](Session& each) {
    if (!silent) echo(each);
  });
  const RunCommand run = command(kEcho, closed(2, 4), 20);
  RequestLoop loop(world.context(), run, in_ms(20'000));
  loop.prepare();
  loop.resume();
  loop.begin_slice(0);
  loop.send_until(in_ms(100));
  CHECK(loop.counters().sent == 8);
  CHECK(loop.counters().lost == 8);
  CHECK(loop.lost_in(0) == 8);
  silent = false;
  loop.limit_requests(100);
  loop.send_until(in_ms(5000));
  loop.finish();
  CHECK(loop.counters().late == 8);
  CHECK(loop.late_in(0) == 8);
  CHECK(loop.counters().sent == 108);
  CHECK(loop.counters().replies == 100);
}

TEST_CASE("wrong bytes and bytes too many are told apart and counted") {
  SUBCASE("wrong bytes") {
    World world(7, [](Session& each) {
      if (each.received.size() >= 100) each.received[99] ^= 1;
      echo(each);
    });
    const RunCommand run = command(kEcho, closed(1, 1));
    RequestLoop loop(world.context(), run, in_ms(20'000));
    const Counters counters = carry_out(loop, 50);
    CHECK(counters.replies == 50);
    CHECK(counters.bad == 50);
    CHECK(loop.first_bad()->starts_with("echo of other bytes"));
  }
  SUBCASE("bytes too many") {
    bool once = false;
    World world(7, [&](Session& each) {
      if (!each.received.empty() && !once) {
        each.received += "more";
        once = true;
      }
      echo(each);
    });
    const RunCommand run = command(kEcho, closed(1, 1));
    RequestLoop loop(world.context(), run, in_ms(20'000));
    const Counters counters = carry_out(loop, 50);
    CHECK(counters.sent == 50);
    CHECK(counters.unexpected == 1);
    CHECK(counters.bad == 1);
    CHECK(counters.opened == 2);
  }
}

TEST_CASE("connections for one request each are opened and closed by the generator") {
  World world(7, echo);
  const RunCommand run = command({{"protocol", "connect"}, {"payloadBytes", 100}}, closed(5, 1));
  RequestLoop loop(world.context(), run, in_ms(20'000));
  const Counters counters = carry_out(loop, 300);
  CHECK(counters.replies == 300);
  CHECK(counters.opened == 300);
  CHECK(counters.resets == 0);
  CHECK(counters.verified == 300);
  CHECK(loop.connect_latency().count() == 300);
  CHECK(loop.latency().minimum() >= loop.connect_latency().minimum());
}

TEST_CASE("pages: kept connections, connections that end, and pages that are wrong") {
  bool close = false;
  std::string body(612, 'x');
  World world(80, [&](Session& each) {
    size_t end;
    while ((end = each.received.find("\r\n\r\n")) != std::string::npos) {
      close = each.received.find("Connection: close") < end;
      each.received.erase(0, end + 4);
      each.unsent += "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(body.size()) +
                     (close ? "\r\nConnection: close" : "") + "\r\n\r\n" + body;
      each.ends = close;
    }
  });
  json traffic = {{"protocol", "http"}, {"path", "/"}, {"bodyBytes", 612}};
  SUBCASE("kept") {
    const RunCommand run = command(traffic, closed(3, 2));
    RequestLoop loop(world.context(), run, in_ms(20'000));
    const Counters counters = carry_out(loop, 500);
    CHECK(counters.replies == 500);
    CHECK(counters.bad == 0);
    CHECK(counters.opened == 3);
  }
  SUBCASE("one each") {
    traffic["keepAlive"] = false;
    const RunCommand run = command(traffic, closed(3, 1));
    RequestLoop loop(world.context(), run, in_ms(20'000));
    const Counters counters = carry_out(loop, 200);
    CHECK(counters.replies == 200);
    CHECK(counters.opened == 200);
    CHECK(counters.resets == 0);
  }
  SUBCASE("of another length") {
    body.pop_back();
    const RunCommand run = command(traffic, closed(1, 1));
    RequestLoop loop(world.context(), run, in_ms(20'000));
    CHECK(carry_out(loop, 20).bad == 20);
  }
}

namespace {

// As much of redis as GET and SET take.
TestServer::Answer small_redis(std::map<std::string, std::string>& store) {
  return [&store](Session& each) {
    const char* wrong = nullptr;
    for (;;) {
      const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(each.received.data()),
                                           each.received.size());
      const size_t whole = resp_bytes(bytes, wrong);
      if (whole == 0) return;
      std::vector<std::string> words;
      size_t at = each.received.find("\r\n") + 2;
      while (at < whole) {
        const size_t length = std::stoul(each.received.substr(at + 1));
        at = each.received.find("\r\n", at) + 2;
        words.push_back(each.received.substr(at, length));
        at += length + 2;
      }
      each.received.erase(0, whole);
      if (words[0] == "SET") {
        store[words[1]] = words[2];
        each.unsent += "+OK\r\n";
      } else if (const auto found = store.find(words[1]); found == store.end()) {
        each.unsent += "$-1\r\n";
      } else {
        each.unsent += "$" + std::to_string(found->second.size()) + "\r\n" + found->second + "\r\n";
      }
    }
  };
}

}  // namespace

TEST_CASE("redis is populated and asked, with values longer than a segment") {
  std::map<std::string, std::string> store;
  World world(6379, small_redis(store));
  const json keyspace = {{"keys", 200},
                         {"keySizes", {{"kind", "uniform"}, {"minimum", 8}, {"maximum", 60}}},
                         {"valueSizes", {{"kind", "uniform"}, {"minimum", 0}, {"maximum", 6000}}},
                         {"seed", 7}};
  const json traffic = {{"protocol", "redis"},
                        {"keyspace", keyspace},
                        {"popularity", {{"kind", "uniform"}}},
                        {"getShare", 0.7}};
  SUBCASE("nobody has set a key") {
    json gets = traffic;
    gets["getShare"] = 1;
    const RunCommand run = command(gets, closed(2, 16));
    RequestLoop loop(world.context(), run, in_ms(20'000));
    CHECK(carry_out(loop, 500).misses == 500);
  }
  SUBCASE("all are there") {
    const json populate = {{"command", "populate"},
                           {"id", 1},
                           {"protocol", "redis"},
                           {"keyspace", keyspace},
                           {"timeoutMs", 20'000}};
    const Population population = populate_over_tcp(
        world.context(), std::get<PopulateCommand>(parse_command(populate.dump()).what));
    CHECK(population.keys == 200);
    CHECK(store.size() == 200);
    const RunCommand run = command(traffic, closed(3, 16));
    RequestLoop loop(world.context(), run, in_ms(20'000));
    const Counters counters = carry_out(loop, 3000);
    CHECK(counters.replies == 3000);
    CHECK(counters.bad == 0);
    CHECK(counters.hits + counters.stored == 3000);
    CHECK(counters.hits == counters.gets);
    CHECK(counters.verified == 3000);
  }
  SUBCASE("one value is wrong") {
    const Keyspace keys(std::get<StoreTraffic>(command(traffic, closed(1, 1)).traffic).keyspace);
    for (uint32_t key = 0; key < 200; ++key) {
      std::string name(keys.key_bytes(key) + Keyspace::kKeySlack, ' ');
      keys.write_key(key, name.data());
      name.resize(keys.key_bytes(key));
      store[name] = "what nobody has set";
    }
    json gets = traffic;
    gets["getShare"] = 1;
    const RunCommand run = command(gets, closed(1, 4));
    RequestLoop loop(world.context(), run, in_ms(20'000));
    const Counters counters = carry_out(loop, 100);
    CHECK(counters.bad == 100);
    CHECK(loop.first_bad()->starts_with("wrong value bytes"));
  }
}

TEST_CASE("streams: bytes are counted when they have arrived") {
  uint64_t read = 0;
  bool source = false;
  World world(9, [&](Session& each) {
    if (source) {
      if (each.received.ends_with('\n') && each.unsent.size() < 100'000)
        each.unsent.append(200'000, 'z');
      return;
    }
    read += each.received.size();
    each.received.clear();
  });
  json traffic = {
      {"protocol", "stream"}, {"port", 9}, {"direction", "to-server"}, {"messageBytes", 1000}};
  SUBCASE("to the server") {
    const RunCommand run = command(traffic, closed(2, 1));
    StreamLoop loop(world.context(), run, in_ms(20'000));
    loop.prepare();
    loop.resume();
    loop.begin_slice(0);
    loop.send_until(in_ms(100));
    CHECK(loop.drain_until(in_ms(5000)));
    loop.count();
    // And two first lines.
    CHECK(loop.counters().bytes_sent + 10 == read);
    CHECK(loop.counters().replies == loop.counters().bytes_sent / 1000);
    CHECK(loop.counters().replies > 100);
  }
  SUBCASE("from the server") {
    source = true;
    traffic["direction"] = "from-server";
    const RunCommand run = command(traffic, closed(2, 1));
    StreamLoop loop(world.context(), run, in_ms(20'000));
    loop.prepare();
    loop.resume();
    loop.send_until(in_ms(100));
    loop.count();
    CHECK(loop.counters().bytes_received > 1'000'000);
  }
}

TEST_CASE("bytes that a server acknowledged stay counted when it resets the connection") {
  uint64_t read = 0, resets = 0;
  World world(9, [&](Session& each) {
    read += each.received.size();
    each.received.clear();
    each.resets = read > 300'000 * (resets + 1);
    resets += each.resets;
  });
  const json traffic = {
      {"protocol", "stream"}, {"port", 9}, {"direction", "to-server"}, {"messageBytes", 1000}};
  const RunCommand run = command(traffic, closed(2, 1));
  StreamLoop loop(world.context(), run, in_ms(20'000));
  loop.prepare();
  loop.resume();
  loop.begin_slice(0);
  uint64_t before = 0;
  for (int part = 0; part < 100 || loop.counters().resets < 5; ++part) {
    REQUIRE(part < 5000);
    loop.send_until(in_ms(1));
    loop.count();
    REQUIRE(loop.counters().bytes_sent >= before);
    before = loop.counters().bytes_sent;
  }
  // Of each connection at most what was on its way is missing.
  CHECK(before > read / 3);
}

TEST_CASE("all of many connections are reset at the end") {
  World world(7, echo);
  RunCommand run = command(kEcho, closed(3000, 1));
  run.idle_connections = 20'000;
  {
    RequestLoop loop(world.context(), run, in_ms(60'000));
    loop.prepare();
    // The last ones' handshakes end with segments that it has not looked at.
    CHECK(world.server().open() > 22'000);
  }
  for (int round = 0; round < 200; ++round) world.server().poll();
  CHECK(world.server().open() == 0);
}

TEST_CASE("idle connections stay open beside the others") {
  World world(7, echo);
  json traffic = kEcho;
  RunCommand run = command(traffic, closed(2, 1));
  run.idle_connections = 300;
  run.sources = 3;
  RequestLoop loop(world.context(), run, in_ms(20'000));
  const Counters counters = carry_out(loop, 100);
  CHECK(counters.opened == 302);
  CHECK(counters.replies == 100);
  CHECK(world.server().open() == 302);
}

TEST_CASE("a server that nobody started is said to refuse") {
  World world(7, echo);
  json traffic = kEcho;
  traffic["port"] = 8;
  const RunCommand run = command(traffic, closed(2, 1));
  RequestLoop loop(world.context(), run, in_ms(20'000));
  CHECK_THROWS_WITH(loop.prepare(),
                    "the server refuses connections to port 8 (0 of 2 connections were open)");
}

TEST_CASE("questions are asked until they are answered") {
  World world(6379, [](Session& each) {
    if (each.received == "PING\r\n") each.unsent += "+PONG\r\n";
    if (each.received == "INFO\r\n") each.unsent += "$3\r\na\nb\r\n";
    each.received.clear();
  });
  const Command wait = parse_command(
      R"({"command":"wait-answer","id":1,"request":"ping","transport":"tcp","port":6379,"timeoutMs":5000})");
  CHECK(wait_answer_over_tcp(world.context(), std::get<WaitAnswerCommand>(wait.what)).text ==
        "+PONG\r\n");
  const Command ask = parse_command(
      R"({"command":"ask","id":1,"protocol":"redis","request":"INFO\r\n","timeoutMs":5000})");
  CHECK(ask_over_tcp(world.context(), std::get<AskCommand>(ask.what)).text == "$3\r\na\nb\r\n");
  const Command never = parse_command(
      R"({"command":"wait-answer","id":1,"request":"version","transport":"tcp","port":1,"timeoutMs":50})");
  CHECK_THROWS_AS(wait_answer_over_tcp(world.context(), std::get<WaitAnswerCommand>(never.what)),
                  CommandError);
}

}  // namespace plumbline::generator
