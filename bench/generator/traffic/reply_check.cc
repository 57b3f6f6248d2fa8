#include "traffic/reply_check.hh"

#include <charconv>
#include <cstring>
#include <string_view>

#include "traffic/memcached_codec.hh"

namespace plumbline::generator {

namespace {

// Takes `expected` off the front of `text`.
bool take(std::span<const uint8_t>& text, std::span<const char> expected) {
  if (text.size() < expected.size()) return false;
  if (std::memcmp(text.data(), expected.data(), expected.size()) != 0) return false;
  text = text.subspan(expected.size());
  return true;
}

}  // namespace

const char* check_get_reply(const Keyspace& keyspace, uint32_t key, std::span<const uint8_t> text) {
  static constexpr std::string_view kMiss = "END\r\n";
  if (text.size() == kMiss.size() && take(text, kMiss)) return nullptr;

  const std::span<const char> value = keyspace.value(key);
  char header[6 + kMaximumKeyBytes + Keyspace::kKeySlack + 3 + 10 + 2];
  std::memcpy(header, "VALUE ", 6);
  keyspace.write_key(key, header + 6);
  char* end = header + 6 + keyspace.key_bytes(key);
  std::memcpy(end, " 0 ", 3);
  end = std::to_chars(end + 3, end + 13, value.size()).ptr;
  std::memcpy(end, "\r\n", 2);
  end += 2;
  if (!take(text, {header, static_cast<size_t>(end - header)})) return "wrong VALUE line";
  if (!take(text, value)) return "wrong value bytes";
  if (!take(text, std::string_view("\r\nEND\r\n"))) return "wrong end of the value";
  return text.empty() ? nullptr : "bytes after the end of the reply";
}

const char* check_set_reply(std::span<const uint8_t> text) {
  if (!take(text, std::string_view("STORED\r\n"))) return "not STORED";
  return text.empty() ? nullptr : "bytes after the end of the reply";
}

}  // namespace plumbline::generator
