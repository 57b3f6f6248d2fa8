// How requests and replies of one protocol look in a stream of bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "traffic/memcached_codec.hh"
#include "traffic/request_sequence.hh"

namespace plumbline::generator {

struct StreamReply {
  // Bytes of the reply. 0: it is not complete or, with `wrong`, nobody can say where it ends.
  size_t bytes = 0;
  ReplyKind kind = ReplyKind::kError;
  const char* wrong = nullptr;  // what is wrong with it
  bool last = false;            // the server closes the connection behind it
};

class RequestCodec {
 public:
  virtual ~RequestCodec() = default;
  // Whether an operation has a key and is a get or a set.
  virtual bool has_keys() const = 0;
  // An upper bound of what write() writes, and touches.
  virtual size_t most_bytes(const Operation& operation) const = 0;
  // Writes the request; returns its end.
  virtual char* write(const Operation& operation, char* out) const = 0;
  // The reply to `operation` at the start of `text`, of which more may come; `verify`: it is
  // compared to the byte. An error of the server is a reply (kError).
  virtual StreamReply parse(const Operation& operation, std::span<const uint8_t> text,
                            bool verify) = 0;

 protected:
  RequestCodec() = default;
  RequestCodec(const RequestCodec&) = default;
  RequestCodec& operator=(const RequestCodec&) = default;
};

// Where the line that `text` starts with ends, "\r\n" included; 0: not yet. A longer line than
// kMostLine is none.
inline constexpr size_t kMostLine = 2048;
inline size_t line_bytes(std::span<const uint8_t> text) {
  const size_t most = text.size() < kMostLine ? text.size() : kMostLine;
  size_t at = 0;
  while (at < most) {
    const auto* found = static_cast<const uint8_t*>(std::memchr(text.data() + at, '\n', most - at));
    if (found == nullptr) return 0;
    at = static_cast<size_t>(found - text.data()) + 1;
    if (at >= 2 && text[at - 2] == '\r') return at;
  }
  return 0;
}
// What a text without a line's end means so far.
inline StreamReply without_line(std::span<const uint8_t> text) {
  StreamReply reply;
  if (text.size() >= kMostLine) reply.wrong = "a line without an end";
  return reply;
}

}  // namespace plumbline::generator
