#include "net/tcp/siphash.hh"

#include <doctest/doctest.h>

#include <array>

namespace plumbline::net::tcp {
namespace {

// Key and messages of the paper's appendix A: bytes that count up.
constexpr SipHashKey kKey{{0x0706'0504'0302'0100, 0x0f0e'0d0c'0b0a'0908}};

TEST_CASE("SipHash-2-4 gives the paper's value and those of its reference vectors") {
  std::array<std::byte, 16> message;
  for (size_t i = 0; i < message.size(); ++i) message[i] = static_cast<std::byte>(i);
  const std::span<const std::byte> bytes = message;
  CHECK(siphash(kKey, bytes.first(15)) == 0xa129'ca61'49be'45e5);
  CHECK(siphash(kKey, bytes.first(0)) == 0x726f'db47'dd0e'0e31);
  CHECK(siphash(kKey, bytes.first(1)) == 0x74f8'39c5'93dc'67fd);
  CHECK(siphash(kKey, bytes.first(8)) == 0x93f5'f579'9a93'2462);
}

TEST_CASE("a message of words is the message of their bytes") {
  const std::array<uint64_t, 2> words{0x0706'0504'0302'0100, 0x0f0e'0d0c'0b0a'0908};
  CHECK(siphash(kKey, words) == siphash(kKey, std::as_bytes(std::span(words))));
  CHECK(siphash(kKey, std::span(words).first(1)) == 0x93f5'f579'9a93'2462);
}

}  // namespace
}  // namespace plumbline::net::tcp
