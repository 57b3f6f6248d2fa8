// Messages of one size that come back as they are (RFC 862).
#pragma once

#include <vector>

#include "traffic/request_codec.hh"

namespace plumbline::generator {

class EchoCodec : public RequestCodec {
 public:
  explicit EchoCodec(uint32_t bytes);
  bool has_keys() const override { return false; }
  size_t most_bytes(const Operation&) const override { return payload_.size(); }
  char* write(const Operation&, char* out) const override {
    std::memcpy(out, payload_.data(), payload_.size());
    return out + payload_.size();
  }
  StreamReply parse(const Operation& operation, std::span<const uint8_t> text,
                    bool verify) override;

 private:
  std::vector<uint8_t> payload_;
};

}  // namespace plumbline::generator
