#include "traffic/redis_codec.hh"

#include <charconv>
#include <string_view>

namespace plumbline::generator {

namespace {

// redis's own limit (proto-max-bulk-len).
constexpr int64_t kMostBulk = 512 << 20;
constexpr int64_t kMostElements = 1 << 20;

char* append_number(char* out, uint32_t number) {
  out = std::to_chars(out, out + 10, number).ptr;
  return codec_detail::append(out, "\r\n");
}

// The number behind a line's first character; nothing: it is none.
std::optional<int64_t> line_number(std::span<const uint8_t> line) {
  const char* const begin = reinterpret_cast<const char*>(line.data()) + 1;
  const char* const end = begin + line.size() - 3;
  int64_t number = 0;
  const auto [rest, error] = std::from_chars(begin, end, number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

}  // namespace

size_t RedisCodec::most_bytes(const Operation& operation) const {
  // The words around key and value, and two numbers.
  return 64 + keyspace_.key_bytes(operation.key) + Keyspace::kKeySlack +
         (operation.is_set ? keyspace_.value_bytes(operation.key) : 0);
}

char* RedisCodec::write(const Operation& operation, char* out) const {
  const uint32_t key_bytes = keyspace_.key_bytes(operation.key);
  out =
      codec_detail::append(out, operation.is_set ? "*3\r\n$3\r\nSET\r\n$" : "*2\r\n$3\r\nGET\r\n$");
  out = append_number(out, key_bytes);
  keyspace_.write_key(operation.key, out);
  out = codec_detail::append(out + key_bytes, "\r\n");
  if (!operation.is_set) return out;
  const std::span<const char> value = keyspace_.value(operation.key);
  *out++ = '$';
  out = append_number(out, static_cast<uint32_t>(value.size()));
  std::memcpy(out, value.data(), value.size());
  return codec_detail::append(out + value.size(), "\r\n");
}

StreamReply RedisCodec::parse(const Operation& operation, std::span<const uint8_t> text,
                              bool verify) {
  const size_t line = line_bytes(text);
  if (line == 0) return without_line(text);
  StreamReply reply;
  reply.bytes = line;
  const std::string_view first(reinterpret_cast<const char*>(text.data()), line);
  if (operation.is_set) {
    if (first == "+OK\r\n") {
      reply.kind = ReplyKind::kStored;
      return reply;
    }
    reply.wrong = "answer to a SET";
  } else if (first[0] == '$') {
    const std::optional<int64_t> bytes = line_number(text.first(line));
    if (!bytes || *bytes < -1 || *bytes > kMostBulk)
      return {0, ReplyKind::kError, "a bulk string whose length cannot be read"};
    if (*bytes == -1) {
      reply.kind = ReplyKind::kMiss;
      return reply;
    }
    const auto length = static_cast<size_t>(*bytes);
    if (text.size() < line + length + 2) return {};
    if (text[line + length] != '\r' || text[line + length + 1] != '\n')
      return {0, ReplyKind::kError, "a bulk string that does not end where it says"};
    reply.bytes = line + length + 2;
    reply.kind = ReplyKind::kValue;
    if (!verify) return reply;
    const std::span<const char> value = keyspace_.value(operation.key);
    if (length != value.size() || std::memcmp(text.data() + line, value.data(), length) != 0)
      reply.wrong = "wrong value bytes";
    return reply;
  } else {
    reply.wrong = "answer to a GET";
  }
  // Of the simple kinds the line is all; of others nobody asked for any.
  if (first[0] != '-' && first[0] != '+' && first[0] != ':') reply.bytes = 0;
  return reply;
}

size_t resp_bytes(std::span<const uint8_t> text, const char*& wrong) {
  size_t at = 0;
  // Elements to come, of arrays within arrays too: their order says where each belongs.
  for (int64_t left = 1; left > 0; --left) {
    const std::span<const uint8_t> rest = text.subspan(at);
    const size_t line = line_bytes(rest);
    if (line == 0) {
      wrong = without_line(rest).wrong;
      return 0;
    }
    at += line;
    const char kind = static_cast<char>(rest[0]);
    if (kind == '+' || kind == '-' || kind == ':') continue;
    const std::optional<int64_t> number =
        kind == '$' || kind == '*' ? line_number(rest.first(line)) : std::nullopt;
    if (!number || *number < -1 || *number > (kind == '$' ? kMostBulk : kMostElements)) {
      wrong = "no reply of RESP2";
      return 0;
    }
    if (*number == -1) continue;
    if (kind == '*') {
      left += *number;
    } else {
      at += static_cast<size_t>(*number) + 2;
      if (at > text.size()) return 0;
    }
  }
  return at;
}

}  // namespace plumbline::generator
