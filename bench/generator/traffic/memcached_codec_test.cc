#include "traffic/memcached_codec.hh"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "traffic/reply_check.hh"

using namespace plumbline::generator;

namespace {

Keyspace keyspace() {
  SizeDistribution key_sizes, value_sizes;
  key_sizes.minimum = key_sizes.maximum = 6;
  value_sizes.minimum = value_sizes.maximum = 5;
  return Keyspace({100, key_sizes, value_sizes, 1});
}

std::vector<uint8_t> bytes(const std::string& text) { return {text.begin(), text.end()}; }

std::string value_of(const Keyspace& keys, uint32_t key) {
  const auto value = keys.value(key);
  return {value.begin(), value.end()};
}

}  // namespace

TEST_CASE("requests are what protocol.txt asks for") {
  const Keyspace keys = keyspace();
  std::vector<char> out(200);
  char* end = write_get(keys, 7, out.data());
  CHECK(std::string(out.data(), end) == "get kkkkk7\r\n");
  CHECK(static_cast<size_t>(end - out.data()) == get_bytes(keys, 7));
  end = write_set(keys, 7, out.data());
  CHECK(std::string(out.data(), end) == "set kkkkk7 0 0 5\r\n" + value_of(keys, 7) + "\r\n");
  CHECK(static_cast<size_t>(end - out.data()) == set_bytes(keys, 7));
}

TEST_CASE("frames: big endian, and refused when they contradict themselves") {
  uint8_t frame[kFrameBytes];
  write_frame(0x1234, frame);
  CHECK(bytes(std::string("\x12\x34\0\0\0\1\0\0", 8)) == std::vector<uint8_t>(frame, frame + 8));
  CHECK(parse_frame(frame)->id == 0x1234);
  CHECK(parse_frame(frame)->total == 1);
  CHECK_FALSE(parse_frame(std::span<const uint8_t>(frame).first(7)));
  for (const std::string& wrong :
       {std::string("\0\1\0\1\0\1\0\0", 8), std::string("\0\1\0\0\0\0\0\0", 8),
        std::string("\0\1\0\0\0\101\0\0", 8)}) {
    CHECK_FALSE(parse_frame(bytes(wrong)));
  }
}

TEST_CASE("replies are told apart by whole words") {
  CHECK(classify_reply(bytes("VALUE a 0 1\r\nx\r\nEND\r\n")) == ReplyKind::kValue);
  CHECK(classify_reply(bytes("END\r\n")) == ReplyKind::kMiss);
  CHECK(classify_reply(bytes("STORED\r\n")) == ReplyKind::kStored);
  CHECK(classify_reply(bytes("NOT_STORED\r\n")) == ReplyKind::kNotStored);
  CHECK(classify_reply(bytes("VERSION 1.6\r\n")) == ReplyKind::kVersion);
  for (const char* error : {"ERROR\r\n", "SERVER_ERROR out of memory\r\n", "E", "", "STORE"}) {
    CHECK(classify_reply(bytes(error)) == ReplyKind::kError);
  }
}

TEST_CASE("a get's reply is checked to the byte") {
  const Keyspace keys = keyspace();
  const std::string right = "VALUE kkkkk7 0 5\r\n" + value_of(keys, 7) + "\r\nEND\r\n";
  CHECK(check_get_reply(keys, 7, bytes(right)) == nullptr);
  CHECK(check_get_reply(keys, 7, bytes("END\r\n")) == nullptr);
  // Every single byte matters, and so does each truncation.
  for (size_t i = 0; i < right.size(); ++i) {
    std::string wrong = right;
    wrong[i] = static_cast<char>(wrong[i] ^ 1);
    CHECK(check_get_reply(keys, 7, bytes(wrong)) != nullptr);
    CHECK(check_get_reply(keys, 7, bytes(right.substr(0, i))) != nullptr);
  }
  CHECK(check_get_reply(keys, 7, bytes(right + "x")) != nullptr);
  CHECK(check_get_reply(keys, 8, bytes(right)) != nullptr);
  CHECK(check_set_reply(bytes("STORED\r\n")) == nullptr);
  CHECK(check_set_reply(bytes("STORED\r\n ")) != nullptr);
  CHECK(check_set_reply(bytes("NOT_STORED\r\n")) != nullptr);
}
