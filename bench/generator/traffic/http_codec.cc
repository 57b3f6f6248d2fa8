#include "traffic/http_codec.hh"

#include <strings.h>

#include <charconv>
#include <string_view>

namespace plumbline::generator {

namespace {

constexpr size_t kMostHeader = 16384;
constexpr size_t kMostBody = size_t{1} << 30;

// The value of a field if `line` is that field's, without white space around it.
std::optional<std::string_view> field(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':' ||
      strncasecmp(line.data(), name.data(), name.size()) != 0)
    return std::nullopt;
  line.remove_prefix(name.size() + 1);
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
  return line;
}

}  // namespace

HttpCodec::HttpCodec(const std::string& path, const std::string& host, uint32_t body_bytes,
                     bool keep_alive)
    : request_("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" +
               (keep_alive ? "" : "Connection: close\r\n") + "\r\n"),
      body_bytes_(body_bytes) {}

HttpHeader parse_http_header(std::span<const uint8_t> bytes) {
  HttpHeader header;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              std::min(bytes.size(), kMostHeader));
  const size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (text.size() == kMostHeader) header.wrong = "a header without an end";
    return header;
  }
  // "HTTP/1.1 200 OK"
  size_t line_end = text.find("\r\n");
  const std::string_view status = text.substr(0, line_end);
  if (status.size() < 12 || !status.starts_with("HTTP/1.") ||
      std::from_chars(status.data() + 9, status.data() + 12, header.status).ptr !=
          status.data() + 12) {
    header.wrong = "no status line";
    return header;
  }
  bool has_length = false;
  while (line_end < end) {
    const size_t start = line_end + 2;
    line_end = text.find("\r\n", start);
    const std::string_view line = text.substr(start, line_end - start);
    if (const auto length = field(line, "content-length")) {
      const auto [rest, error] =
          std::from_chars(length->data(), length->data() + length->size(), header.content_length);
      has_length = error == std::errc() && rest == length->data() + length->size() &&
                   header.content_length <= kMostBody;
    } else if (const auto connection = field(line, "connection")) {
      header.closes = connection->size() == 5 && strncasecmp(connection->data(), "close", 5) == 0;
    }
  }
  if (!has_length) {
    header.wrong = "a response without a length";
    return header;
  }
  header.bytes = end + 4;
  return header;
}

StreamReply HttpCodec::parse(const Operation&, std::span<const uint8_t> text, bool verify) {
  const HttpHeader header = parse_http_header(text);
  if (header.wrong != nullptr) return {0, ReplyKind::kError, header.wrong};
  if (header.bytes == 0 || text.size() < header.bytes + header.content_length) return {};
  StreamReply reply{header.bytes + header.content_length, ReplyKind::kValue};
  reply.last = header.closes;
  const std::span<const uint8_t> body = text.subspan(header.bytes, header.content_length);
  if (header.status != 200) {
    reply.kind = ReplyKind::kError;
    reply.wrong = "another status than 200";
  } else if (body.size() != body_bytes_) {
    reply.wrong = "a page of another length";
  } else if (first_body_.empty()) {
    first_body_.assign(body.begin(), body.end());
  } else if (verify && std::memcmp(first_body_.data(), body.data(), body.size()) != 0) {
    reply.wrong = "a page of other bytes";
  }
  return reply;
}

}  // namespace plumbline::generator
