#include "traffic/echo_codec.hh"

#include "traffic/random.hh"

namespace plumbline::generator {

// Random bytes: no part of them is another, whatever was lost or came twice.
EchoCodec::EchoCodec(uint32_t bytes) : payload_(bytes) {
  for (uint32_t i = 0; i < bytes; ++i) payload_[i] = static_cast<uint8_t>(mix(i));
}

StreamReply EchoCodec::parse(const Operation&, std::span<const uint8_t> text, bool verify) {
  if (text.size() < payload_.size()) return {};
  StreamReply reply{payload_.size(), ReplyKind::kValue};
  if (verify && std::memcmp(text.data(), payload_.data(), payload_.size()) != 0)
    reply.wrong = "echo of other bytes";
  return reply;
}

}  // namespace plumbline::generator
