// GET of one page by HTTP/1.1 (RFC 9112), whose body always is the same.
#pragma once

#include <string>
#include <vector>

#include "traffic/request_codec.hh"

namespace plumbline::generator {

class HttpCodec : public RequestCodec {
 public:
  // `body_bytes`: what the body has to have. Without `keep_alive` the server is asked to close.
  HttpCodec(const std::string& path, const std::string& host, uint32_t body_bytes, bool keep_alive);
  bool has_keys() const override { return false; }
  size_t most_bytes(const Operation&) const override { return request_.size(); }
  char* write(const Operation&, char* out) const override {
    std::memcpy(out, request_.data(), request_.size());
    return out + request_.size();
  }
  // The first body of the right length is what all that follow are compared with.
  StreamReply parse(const Operation& operation, std::span<const uint8_t> text,
                    bool verify) override;

 private:
  std::string request_;
  uint32_t body_bytes_;
  std::vector<uint8_t> first_body_;
};

// A response's header: up to the empty line. Bytes 0: not complete or, with `wrong`, none.
struct HttpHeader {
  size_t bytes = 0;
  int status = 0;
  size_t content_length = 0;
  bool closes = false;
  const char* wrong = nullptr;
};
HttpHeader parse_http_header(std::span<const uint8_t> text);

}  // namespace plumbline::generator
