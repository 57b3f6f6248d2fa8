// Replies in a stream are bytes of a server that may be broken: every parser of them, on any bytes
// in any pieces. The first byte chooses parser, operation and where the bytes are cut.
#include <cstdlib>
#include <memory>
#include <vector>

#include "traffic/echo_codec.hh"
#include "traffic/http_codec.hh"
#include "traffic/memcached_stream.hh"
#include "traffic/redis_codec.hh"

using namespace plumbline::generator;

namespace {

const Keyspace& keyspace() {
  static const Keyspace the_keyspace = [] {
    SizeDistribution keys, values;
    keys.minimum = keys.maximum = 6;
    values.kind = SizeKind::kUniform;
    values.maximum = 200;
    return Keyspace({256, keys, values, 1});
  }();
  return the_keyspace;
}

std::unique_ptr<RequestCodec> codec_of(uint8_t kind) {
  switch (kind & 3) {
    case 0:
      return std::make_unique<RedisCodec>(keyspace());
    case 1:
      return std::make_unique<MemcachedStream>(keyspace());
    case 2:
      return std::make_unique<HttpCodec>("/", "host", 5, true);
    default:
      return std::make_unique<EchoCodec>(16);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const Operation operation{data[1], (data[0] & 4) != 0};
  const std::unique_ptr<RequestCodec> codec = codec_of(data[0]);
  // A copy of exact size, so that a read beyond the end is seen.
  const std::vector<uint8_t> text(data + 2, data + size);
  const StreamReply whole = codec->parse(operation, text, true);
  if (whole.bytes > text.size()) std::abort();
  // A reply that is whole is the same without what follows it, and none with a byte less.
  if (whole.bytes != 0) {
    const std::vector<uint8_t> exact(text.begin(),
                                     text.begin() + static_cast<ptrdiff_t>(whole.bytes));
    const StreamReply again = codec_of(data[0])->parse(operation, exact, true);
    if (again.bytes != whole.bytes || again.kind != whole.kind) std::abort();
    const std::vector<uint8_t> shorter(exact.begin(), exact.end() - 1);
    if (codec_of(data[0])->parse(operation, shorter, true).bytes != 0) std::abort();
  }
  const char* wrong = nullptr;
  if (resp_bytes(text, wrong) > text.size()) std::abort();
  return 0;
}
