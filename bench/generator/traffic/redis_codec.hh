// GET and SET in redis's protocol, RESP2 (redis.io, "Redis serialization protocol specification").
#pragma once

#include "traffic/request_codec.hh"

namespace plumbline::generator {

class RedisCodec : public RequestCodec {
 public:
  // `keyspace` outlives this.
  explicit RedisCodec(const Keyspace& keyspace) : keyspace_(keyspace) {}
  bool has_keys() const override { return true; }
  size_t most_bytes(const Operation& operation) const override;
  char* write(const Operation& operation, char* out) const override;
  StreamReply parse(const Operation& operation, std::span<const uint8_t> text,
                    bool verify) override;

 private:
  const Keyspace& keyspace_;
};

// Bytes of any reply of RESP2 at the start of `text`, which may be nested; 0: not complete. `wrong`
// is set when it is none.
size_t resp_bytes(std::span<const uint8_t> text, const char*& wrong);

}  // namespace plumbline::generator
