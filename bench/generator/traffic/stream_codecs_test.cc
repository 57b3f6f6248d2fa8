#include <doctest/doctest.h>

#include <string>

#include "traffic/echo_codec.hh"
#include "traffic/http_codec.hh"
#include "traffic/memcached_stream.hh"
#include "traffic/redis_codec.hh"

using namespace plumbline::generator;

namespace {

Keyspace small_keyspace(uint32_t value_bytes) {
  SizeDistribution keys, values;
  keys.minimum = keys.maximum = 6;
  values.minimum = values.maximum = value_bytes;
  return Keyspace({100, keys, values, 1});
}

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string request(const RequestCodec& codec, const Operation& operation) {
  std::string text(codec.most_bytes(operation), '\0');
  text.resize(static_cast<size_t>(codec.write(operation, text.data()) - text.data()));
  return text;
}

StreamReply parse(RequestCodec& codec, const Operation& operation, const std::string& text,
                  bool verify = true) {
  // A copy of exact size, so that a read beyond the end is seen.
  const std::vector<uint8_t> copy(text.begin(), text.end());
  return codec.parse(operation, copy, verify);
}

// Whatever is cut off, the reply is incomplete and not wrong; whole, and with another one behind
// it, it has its bytes.
void check_pieces(RequestCodec& codec, const Operation& operation, const std::string& reply) {
  for (size_t bytes = 0; bytes < reply.size(); ++bytes) {
    CAPTURE(bytes);
    const StreamReply part = parse(codec, operation, reply.substr(0, bytes));
    CHECK(part.bytes == 0);
    CHECK(part.wrong == nullptr);
  }
  for (const std::string& text : {reply, reply + reply, reply + "x"}) {
    const StreamReply whole = parse(codec, operation, text);
    CHECK(whole.bytes == reply.size());
    CHECK(whole.wrong == nullptr);
  }
}

constexpr Operation kGet{42, false};
constexpr Operation kSet{42, true};

}  // namespace

TEST_CASE("redis: requests to the byte, replies in any pieces") {
  const Keyspace keyspace = small_keyspace(12);
  RedisCodec codec(keyspace);
  const std::string value(keyspace.value(42).begin(), keyspace.value(42).end());
  CHECK(request(codec, kGet) == "*2\r\n$3\r\nGET\r\n$6\r\nkkkk42\r\n");
  CHECK(request(codec, kSet) == "*3\r\n$3\r\nSET\r\n$6\r\nkkkk42\r\n$12\r\n" + value + "\r\n");
  check_pieces(codec, kGet, "$12\r\n" + value + "\r\n");
  check_pieces(codec, kGet, "$-1\r\n");
  check_pieces(codec, kSet, "+OK\r\n");
  CHECK(parse(codec, kGet, "$-1\r\n").kind == ReplyKind::kMiss);
  CHECK(parse(codec, kGet, "$12\r\n" + value + "\r\n").kind == ReplyKind::kValue);
  CHECK(parse(codec, kSet, "+OK\r\n").kind == ReplyKind::kStored);
}

TEST_CASE("redis: errors are replies, nonsense is the end") {
  const Keyspace keyspace = small_keyspace(12);
  RedisCodec codec(keyspace);
  const StreamReply error = parse(codec, kGet, "-ERR no\r\n+OK\r\n");
  CHECK(error.bytes == 9);
  CHECK(error.kind == ReplyKind::kError);
  CHECK(error.wrong != nullptr);
  const StreamReply other = parse(codec, kGet, "$12\r\nanother text\r\n");
  CHECK(other.bytes == 19);
  CHECK(std::string(other.wrong) == "wrong value bytes");
  CHECK(parse(codec, kGet, "$12\r\nanother text\r\n", false).wrong == nullptr);
  for (const std::string& text :
       {std::string("$x\r\n"), std::string("$-2\r\n"), std::string("$999999999999\r\n"),
        std::string("$2\r\nabcd\r\n"), std::string("*1\r\n"), std::string("VALUE\r\n"),
        std::string(4096, '+')}) {
    CAPTURE(text);
    const StreamReply reply = parse(codec, kGet, text);
    CHECK(reply.bytes == 0);
    CHECK(reply.wrong != nullptr);
  }
  CHECK(parse(codec, kSet, "$2\r\nOK\r\n").wrong != nullptr);
}

TEST_CASE("RESP2: where a reply ends, nested or not") {
  const auto bytes = [](const std::string& text) {
    const char* wrong = nullptr;
    return resp_bytes(bytes_of(text), wrong);
  };
  CHECK(bytes("+PONG\r\nmore") == 7);
  CHECK(bytes(":17\r\n") == 5);
  CHECK(bytes("$3\r\na\nb\r\n") == 9);
  CHECK(bytes("$-1\r\n") == 5);
  CHECK(bytes("*0\r\n") == 4);
  CHECK(bytes("*2\r\n*1\r\n:1\r\n$1\r\nx\r\nrest") == 19);
  CHECK(bytes("*2\r\n:1\r\n") == 0);
  CHECK(bytes("$3\r\nab") == 0);
  for (const char* text : {"?\r\n", "*x\r\n", "$-5\r\n", "*99999999999\r\n"}) {
    const char* wrong = nullptr;
    CHECK(resp_bytes(bytes_of(text), wrong) == 0);
    CHECK(wrong != nullptr);
  }
}

TEST_CASE("memcached over TCP: replies in any pieces, errors, and what cannot be read") {
  const Keyspace keyspace = small_keyspace(12);
  MemcachedStream codec(keyspace);
  const std::string value(keyspace.value(42).begin(), keyspace.value(42).end());
  CHECK(request(codec, kGet) == "get kkkk42\r\n");
  const std::string hit = "VALUE kkkk42 0 12\r\n" + value + "\r\nEND\r\n";
  check_pieces(codec, kGet, hit);
  check_pieces(codec, kGet, "END\r\n");
  check_pieces(codec, kSet, "STORED\r\n");
  CHECK(parse(codec, kGet, hit).kind == ReplyKind::kValue);
  CHECK(parse(codec, kGet, "END\r\n").kind == ReplyKind::kMiss);
  const StreamReply error = parse(codec, kSet, "SERVER_ERROR out of memory\r\nSTORED\r\n");
  CHECK(error.bytes == 28);
  CHECK(error.wrong != nullptr);
  CHECK(parse(codec, kGet, "VALUE kkkk43 0 12\r\n" + value + "\r\nEND\r\n").wrong != nullptr);
  for (const char* text :
       {"VALUE k 0\r\n", "VALUE \r\n", "VALUE k 0 x\r\n", "VALUE k 0 99999999999\r\n",
        "VALUE kkkk42 0 2\r\nabcdEND\r\n\r\nEND\r\n"}) {
    CAPTURE(text);
    const StreamReply reply = parse(codec, kGet, text);
    CHECK(reply.bytes == 0);
    CHECK(reply.wrong != nullptr);
  }
}

TEST_CASE("echo: every byte counts") {
  EchoCodec codec(300);
  const std::string text = request(codec, {});
  check_pieces(codec, {}, text);
  std::string other = text;
  other.back() = static_cast<char>(other.back() ^ 1);
  CHECK(parse(codec, {}, other).wrong != nullptr);
  CHECK(parse(codec, {}, other, false).wrong == nullptr);
}

TEST_CASE("pages: header, length, status, and bodies that are all the same") {
  HttpCodec codec("/index.html", "10.9.0.2", 5, true);
  CHECK(request(codec, {}) == "GET /index.html HTTP/1.1\r\nHost: 10.9.0.2\r\n\r\n");
  CHECK(request(HttpCodec("/", "h", 5, false), {}) ==
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string page = "HTTP/1.1 200 OK\r\nServer: nginx\r\nCONTENT-LENGTH:  5 \r\n\r\nhello";
  check_pieces(codec, {}, page);
  CHECK_FALSE(parse(codec, {}, page).last);
  CHECK(parse(codec, {}, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: Close\r\n\r\nhello")
            .last);
  const auto wrong = [&](const std::string& text) { return parse(codec, {}, text); };
  CHECK(std::string(wrong("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhallo").wrong) ==
        "a page of other bytes");
  CHECK(wrong("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello!").bytes == 44);
  CHECK(wrong("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello!").wrong != nullptr);
  const StreamReply missing = wrong("HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno");
  CHECK(missing.bytes == 40);
  CHECK(missing.wrong != nullptr);
  for (const std::string& text :
       {std::string("HTTP/1.1 200 OK\r\n\r\n"), std::string("SMTP\r\n\r\n"),
        std::string("HTTP/1.1 abc\r\n\r\n"), std::string("HTTP/1.1 2\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n"),
        std::string(20'000, 'h')}) {
    CAPTURE(text);
    CHECK(wrong(text).bytes == 0);
    CHECK(wrong(text).wrong != nullptr);
  }
}
