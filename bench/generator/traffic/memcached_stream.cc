#include "traffic/memcached_stream.hh"

#include <charconv>

#include "traffic/reply_check.hh"

namespace plumbline::generator {

namespace {

constexpr std::string_view kEnd = "\r\nEND\r\n";
// memcached's items have at most 1 GiB (-I), ours far less.
constexpr uint64_t kMostValue = 1 << 27;

// Bytes of a value by its line, "VALUE <key> <flags> <bytes>[ <cas>]"; nothing: it is no such line.
std::optional<uint64_t> value_bytes(std::span<const uint8_t> line) {
  const char* at = reinterpret_cast<const char*>(line.data());
  const char* const end = at + line.size() - 2;
  at += 6;
  // Over the key and the flags.
  for (int word = 0; word < 2; ++word) {
    at = static_cast<const char*>(std::memchr(at, ' ', static_cast<size_t>(end - at)));
    if (at == nullptr) return std::nullopt;
    ++at;
  }
  uint64_t bytes = 0;
  const auto [rest, error] = std::from_chars(at, end, bytes);
  if (error != std::errc() || (rest != end && *rest != ' ') || bytes > kMostValue)
    return std::nullopt;
  return bytes;
}

}  // namespace

size_t MemcachedStream::most_bytes(const Operation& operation) const {
  return Keyspace::kKeySlack + (operation.is_set ? set_bytes(keyspace_, operation.key)
                                                 : get_bytes(keyspace_, operation.key));
}

char* MemcachedStream::write(const Operation& operation, char* out) const {
  return operation.is_set ? write_set(keyspace_, operation.key, out)
                          : write_get(keyspace_, operation.key, out);
}

StreamReply MemcachedStream::parse(const Operation& operation, std::span<const uint8_t> text,
                                   bool verify) {
  const size_t line = line_bytes(text);
  if (line == 0) return without_line(text);
  StreamReply reply;
  reply.kind = classify_reply(text.first(line));
  reply.bytes = line;
  if (reply.kind == ReplyKind::kValue) {
    const std::optional<uint64_t> bytes = value_bytes(text.first(line));
    if (!bytes) return {0, ReplyKind::kError, "a VALUE line that cannot be read"};
    const size_t whole = line + *bytes + kEnd.size();
    if (text.size() < whole) return {};
    if (std::memcmp(text.data() + line + *bytes, kEnd.data(), kEnd.size()) != 0)
      return {0, ReplyKind::kError, "a value that does not end where its line says"};
    reply.bytes = whole;
  }
  if (operation.is_set) {
    if (reply.kind != ReplyKind::kStored) reply.wrong = "answer to a set";
  } else if (reply.kind != ReplyKind::kValue && reply.kind != ReplyKind::kMiss) {
    reply.wrong = "answer to a get";
  } else if (verify) {
    reply.wrong = check_get_reply(keyspace_, operation.key, text.first(reply.bytes));
  }
  return reply;
}

}  // namespace plumbline::generator
