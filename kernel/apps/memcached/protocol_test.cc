#include "apps/memcached/protocol.hh"

#include <doctest/doctest.h>

#include "apps/memcached/test_server.hh"

namespace plumbline::memcached {
namespace {

TEST_CASE("set, get, gets and delete") {
  TestServer server;
  CHECK(server.ask("get a\r\n") == "END\r\n");
  CHECK(server.ask("set a 7 0 3\r\nabc\r\n") == "STORED\r\n");
  CHECK(server.ask("get a\r\n") == "VALUE a 7 3\r\nabc\r\nEND\r\n");
  CHECK(server.ask("get a\n") == "VALUE a 7 3\r\nabc\r\nEND\r\n");
  CHECK(server.ask("gets a\r\n") == "VALUE a 7 3 1\r\nabc\r\nEND\r\n");
  CHECK(server.ask("get b a c a\r\n") == "VALUE a 7 3\r\nabc\r\nVALUE a 7 3\r\nabc\r\nEND\r\n");
  CHECK(server.ask("  get   a  \r\n") == "VALUE a 7 3\r\nabc\r\nEND\r\n");
  CHECK(server.ask("set a 0 0 0\r\n\r\n") == "STORED\r\n");
  CHECK(server.ask("get a\r\n") == "VALUE a 0 0\r\n\r\nEND\r\n");
  CHECK(server.ask("delete a\r\n") == "DELETED\r\n");
  CHECK(server.ask("delete a\r\n") == "NOT_FOUND\r\n");
  CHECK(server.ask("delete a 0\r\n") == "NOT_FOUND\r\n");
  CHECK(server.ask("delete a 5\r\n") ==
        "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n");
  CHECK(server.network.pool.in_use() == 0);
}

TEST_CASE("a hit is answered in the request's buffer, a bare get in all three passes") {
  TestServer server;
  server.ask("set key 0 0 100\r\n" + std::string(100, 'v') + "\r\n");
  net::PacketBuffer* const request = server.network.load(
      net::udp_frame(5000, kTestPort, TestServer::framed("get key\r\n", 0x1234)));
  const size_t in_use = server.network.pool.in_use();
  server.network.interface.receive(request, server.network.out);
  CHECK(server.network.pool.in_use() == in_use);
  CHECK(server.network.out.size() == 1);
  server.network.out.flush();
  const auto sent = net::parse_sent(server.network.sent().at(0));
  REQUIRE(sent);
  CHECK(sent->payload == std::string("\x12\x34\0\0\0\1\0\0", 8) + "VALUE key 0 100\r\n" +
                             std::string(100, 'v') + "\r\nEND\r\n");
}

TEST_CASE("add, replace, append, prepend, cas") {
  TestServer server;
  CHECK(server.ask("replace a 0 0 1\r\n1\r\n") == "NOT_STORED\r\n");
  CHECK(server.ask("append a 0 0 1\r\n1\r\n") == "NOT_STORED\r\n");
  CHECK(server.ask("prepend a 0 0 1\r\n1\r\n") == "NOT_STORED\r\n");
  CHECK(server.ask("cas a 0 0 1 5\r\n1\r\n") == "NOT_FOUND\r\n");
  CHECK(server.ask("add a 3 0 3\r\nmid\r\n") == "STORED\r\n");
  CHECK(server.ask("add a 3 0 3\r\nmid\r\n") == "NOT_STORED\r\n");
  CHECK(server.ask("append a 9 0 4\r\n-end\r\n") == "STORED\r\n");
  CHECK(server.ask("prepend a 9 0 4\r\nbeg-\r\n") == "STORED\r\n");
  CHECK(server.ask("gets a\r\n") == "VALUE a 3 11 3\r\nbeg-mid-end\r\nEND\r\n");
  CHECK(server.ask("cas a 0 0 1 2\r\nx\r\n") == "EXISTS\r\n");
  CHECK(server.ask("cas a 0 0 1 3\r\nx\r\n") == "STORED\r\n");
  CHECK(server.ask("replace a 1 0 1\r\ny\r\n") == "STORED\r\n");
  CHECK(server.ask("gets a\r\n") == "VALUE a 1 1 5\r\ny\r\nEND\r\n");
}

TEST_CASE("incr and decr") {
  TestServer server;
  CHECK(server.ask("incr n 1\r\n") == "NOT_FOUND\r\n");
  server.ask("set n 5 0 2\r\n10\r\n");
  CHECK(server.ask("incr n 5\r\n") == "15\r\n");
  CHECK(server.ask("decr n 6\r\n") == "9\r\n");
  CHECK(server.ask("get n\r\n") == "VALUE n 5 2\r\n9 \r\nEND\r\n");
  CHECK(server.ask("decr n 100\r\n") == "0\r\n");
  CHECK(server.ask("incr n 18446744073709551615\r\n") == "18446744073709551615\r\n");
  CHECK(server.ask("incr n 2\r\n") == "1\r\n");
  CHECK(server.ask("incr n 18446744073709551616\r\n") ==
        "CLIENT_ERROR invalid numeric delta argument\r\n");
  CHECK(server.ask("incr n -1\r\n") == "CLIENT_ERROR invalid numeric delta argument\r\n");
  server.ask("set t 0 0 3\r\nabc\r\n");
  CHECK(server.ask("decr t 1\r\n") ==
        "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
  server.check_consistency();
}

TEST_CASE("noreply silences results, not what is no command") {
  TestServer server;
  CHECK(server.ask("set a 0 0 1 noreply\r\nx\r\n") == "");
  CHECK(server.ask("get a\r\n") == "VALUE a 0 1\r\nx\r\nEND\r\n");
  CHECK(server.ask("add a 0 0 1 noreply\r\nx\r\n") == "");
  CHECK(server.ask("delete a noreply\r\n") == "");
  CHECK(server.ask("incr a 1 noreply\r\n") == "");
  CHECK(server.ask("touch a 1 noreply\r\n") == "");
  CHECK(server.ask("flush_all noreply\r\n") == "");
  CHECK(server.ask("verbosity 1 noreply\r\n") == "");
  CHECK(server.ask("nonsense noreply\r\n") == "ERROR\r\n");
}

TEST_CASE("errors") {
  TestServer server;
  const std::string long_key(251, 'k');
  CHECK(server.ask("\r\n") == "ERROR\r\n");
  CHECK(server.ask("get\r\n") == "ERROR\r\n");
  CHECK(server.ask("GET a\r\n") == "ERROR\r\n");
  CHECK(server.ask("get a") == "ERROR\r\n");
  CHECK(server.ask("set a 1 0\r\nabc\r\n") == "ERROR\r\nERROR\r\n");
  CHECK(server.ask("set a x 0 3\r\nabc\r\n") ==
        "CLIENT_ERROR bad command line format\r\nERROR\r\n");
  CHECK(server.ask("set a 1 0 -1\r\nabc\r\n") ==
        "CLIENT_ERROR bad command line format\r\nERROR\r\n");
  CHECK(server.ask("set " + long_key + " 0 0 1\r\nx\r\n") ==
        "CLIENT_ERROR bad command line format\r\nERROR\r\n");
  CHECK(server.ask("get " + long_key + "\r\n") == "CLIENT_ERROR bad command line format\r\n");
  CHECK(server.ask("get " + long_key.substr(1) + "\r\n") == "END\r\n");
  CHECK(server.ask("set a 0 0 3\r\nabcdefgh\r\n") == "CLIENT_ERROR bad data chunk\r\nERROR\r\n");
  CHECK(server.ask("set a 0 0 3\r\nab") == "CLIENT_ERROR bad data chunk\r\n");
  CHECK(server.ask("set a 0 0 3\r\n") == "CLIENT_ERROR bad data chunk\r\n");
  CHECK(server.ask("set a 0 0 99999999\r\nx\r\n") == "SERVER_ERROR object too large for cache\r\n");
  CHECK(server.ask("touch a x\r\n") == "CLIENT_ERROR invalid exptime argument\r\n");
  CHECK(server.ask("gat a\r\n") == "CLIENT_ERROR invalid exptime argument\r\n");
  CHECK(server.ask("gat 0\r\n") == "END\r\n");
  CHECK(server.ask("flush_all x\r\n") == "CLIENT_ERROR invalid exptime argument\r\n");
  CHECK(server.ask("flush_all 1 2 3\r\n") == "ERROR\r\n");
  CHECK(server.ask("stats foo\r\n") == "ERROR\r\n");
  CHECK(server.ask("shutdown\r\n") == "ERROR: shutdown not enabled\r\n");
}

TEST_CASE("frames that are not one whole request are ignored") {
  TestServer server;
  const auto raw = [&](std::string_view datagram) {
    server.network.feed(net::udp_frame(5000, kTestPort, datagram));
    return server.network.sent().size();
  };
  CHECK(raw("") == 0);
  CHECK(raw(std::string_view("\0\1\0\0\0\1\0", 7)) == 0);
  CHECK(raw(std::string_view("\0\1\0\0\0\1\0\0", 8)) == 0);
  CHECK(raw(std::string_view("\0\1\0\0\0\2\0\0version\r\n", 17)) == 0);
  CHECK(raw(std::string_view("\0\1\0\0\0\1\0\0version\r\n", 17)) == 1);
  CHECK(server.network.pool.in_use() == 0);
}

TEST_CASE("several commands in a datagram have an answer each") {
  TestServer server;
  CHECK(server.ask("set a 0 0 1\r\n1\r\nget a\r\nget a b\r\nversion\r\n") ==
        "STORED\r\nVALUE a 0 1\r\n1\r\nEND\r\nVALUE a 0 1\r\n1\r\nEND\r\nVERSION "
        "1.6.18-plumbline\r\n");
  CHECK(server.datagrams("get a\r\nget a\r\n").size() == 2);
  CHECK(server.ask("quit\r\nget a\r\n") == "");
}

TEST_CASE("values of many datagrams, both ways") {
  TestServer server(8 << 20);
  for (const size_t length : {1300, 1376, 1377, 1378, 1400, 3000, 30000, 65000}) {
    CAPTURE(length);
    std::string value(length, ' ');
    for (size_t i = 0; i < length; ++i) value[i] = static_cast<char>('a' + i * 11 % 26);
    const std::string header = "big 0 0 " + std::to_string(length) + "\r\n";
    REQUIRE(server.ask("set " + header + value + "\r\n") == "STORED\r\n");
    const std::string answer = "VALUE big 0 " + std::to_string(length) + "\r\n" + value + "\r\n";
    CHECK(server.ask("get big\r\n") == answer + "END\r\n");
    CHECK(server.ask("get big big\r\n") == answer + answer + "END\r\n");
    const auto datagrams = server.datagrams("get big\r\n");
    CHECK(datagrams.size() == (answer.size() + 5 + 1391) / 1392);
    if (datagrams.size() > 1) CHECK(datagrams[0].size() == 1400);
  }
  CHECK(server.network.pool.in_use() == 0);
}

TEST_CASE("answers larger than the pool go out as buffers come back") {
  TestServer server(8 << 20, 1, 20);
  const std::string value(60000, 'x');
  REQUIRE(server.ask("set big 0 0 60000\r\n" + value + "\r\n") == "STORED\r\n");
  CHECK(server.ask("get big\r\n") == "VALUE big 0 60000\r\n" + value + "\r\nEND\r\n");
  CHECK(server.network.pool.in_use() == 0);
}

TEST_CASE("expiry") {
  TestServer server;
  const auto advance = [&](uint64_t seconds) {
    server.clock.set_unix(server.clock.unix_now() + seconds);
  };
  server.ask("set r 0 10 1\r\nx\r\n");
  server.ask("set n 0 -1 1\r\nx\r\n");
  server.ask("set p 0 1600000000 1\r\nx\r\n");
  server.ask("set f 0 " + std::to_string(kTestEpoch + 20) + " 1\r\nx\r\n");
  server.ask("set month 0 2592000 1\r\nx\r\n");
  server.ask("set more 0 2592001 1\r\nx\r\n");
  server.ask("set never 0 0 1\r\nx\r\n");
  const auto there = [&](std::string key) {
    return server.ask("get " + key + "\r\n") != "END\r\n";
  };
  CHECK(there("r"));
  CHECK_FALSE(there("n"));
  CHECK_FALSE(there("p"));
  CHECK(there("f"));
  CHECK(there("month"));
  CHECK_FALSE(there("more"));
  advance(9);
  CHECK(there("r"));
  advance(1);
  CHECK_FALSE(there("r"));
  CHECK(server.ask("touch f 100\r\n") == "TOUCHED\r\n");
  advance(50);
  CHECK(there("f"));
  CHECK(server.ask("gat 200 f\r\n") == "VALUE f 0 1\r\nx\r\nEND\r\n");
  advance(150);
  CHECK(there("f"));
  CHECK(server.ask("gat -1 f f\r\n") == "VALUE f 0 1\r\nx\r\nVALUE f 0 1\r\nx\r\nEND\r\n");
  CHECK_FALSE(there("f"));
  CHECK(there("never"));
  // An expired item is no obstacle to add, and nothing to append to.
  server.ask("set e 0 1 1\r\nx\r\n");
  advance(1);
  CHECK(server.ask("append e 0 0 1\r\ny\r\n") == "NOT_STORED\r\n");
  CHECK(server.ask("add e 0 0 1\r\ny\r\n") == "STORED\r\n");
  server.check_consistency();
}

TEST_CASE("flush_all, now and later") {
  TestServer server;
  const auto there = [&](std::string key) {
    return server.ask("get " + key + "\r\n") != "END\r\n";
  };
  server.ask("set a 0 0 1\r\nx\r\n");
  CHECK(server.ask("flush_all\r\n") == "OK\r\n");
  CHECK_FALSE(there("a"));
  server.ask("set a 0 0 1\r\nx\r\n");
  CHECK(there("a"));
  CHECK(server.ask("flush_all 10\r\n") == "OK\r\n");
  CHECK(there("a"));
  server.clock.set_unix(kTestEpoch + 9);
  server.ask("set b 0 0 1\r\nx\r\n");
  CHECK(there("a"));
  server.clock.set_unix(kTestEpoch + 10);
  server.ask("set c 0 0 1\r\nx\r\n");
  CHECK_FALSE(there("a"));
  CHECK_FALSE(there("b"));
  CHECK(there("c"));
  CHECK(server.ask("flush_all 0\r\n") == "OK\r\n");
  CHECK_FALSE(there("c"));
}

TEST_CASE("stats") {
  TestServer server(4 << 20);
  server.ask("set a 0 0 1\r\nx\r\n");
  server.ask("get a b\r\n");
  server.ask("get a\r\n");
  const auto stat = [&](std::string name) {
    const std::string text = server.ask("stats\r\n");
    const std::string line = "STAT " + name + " ";
    const size_t at = text.find(line);
    if (at == std::string::npos) return std::string("missing");
    return text.substr(at + line.size(), text.find("\r\n", at) - at - line.size());
  };
  CHECK(stat("version") == "1.6.18-plumbline");
  CHECK(stat("curr_items") == "1");
  CHECK(stat("total_items") == "1");
  CHECK(stat("cmd_get") == "3");
  CHECK(stat("get_hits") == "2");
  CHECK(stat("get_misses") == "1");
  CHECK(stat("cmd_set") == "1");
  CHECK(stat("limit_maxbytes") == std::to_string(4 << 20));
  CHECK(stat("threads") == "1");
  CHECK(stat("evictions") == "0");
  CHECK(stat("time") == std::to_string(kTestEpoch));
  CHECK(server.ask("stats settings\r\n").find("STAT item_size_max 65536\r\n") != std::string::npos);
  CHECK(server.ask("stats reset\r\n") == "RESET\r\n");
  CHECK(stat("cmd_get") == "0");
  CHECK(stat("curr_items") == "1");
}

}  // namespace
}  // namespace plumbline::memcached
