// memcached's text protocol over TCP (protocol.txt of memcached 1.6): that over UDP without frames.
#pragma once

#include "traffic/request_codec.hh"

namespace plumbline::generator {

class MemcachedStream : public RequestCodec {
 public:
  // `keyspace` outlives this.
  explicit MemcachedStream(const Keyspace& keyspace) : keyspace_(keyspace) {}
  bool has_keys() const override { return true; }
  size_t most_bytes(const Operation& operation) const override;
  char* write(const Operation& operation, char* out) const override;
  StreamReply parse(const Operation& operation, std::span<const uint8_t> text,
                    bool verify) override;

 private:
  const Keyspace& keyspace_;
};

}  // namespace plumbline::generator
