#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <set>
#include <vector>

#include "drivers/random/chacha20.hh"
#include "drivers/random/generator.hh"

using namespace plumbline::random;

TEST_CASE("RFC 8439, 2.3.2: the block function's test vector") {
  ChaChaKey key;
  for (unsigned i = 0; i < 8; ++i) {
    const unsigned b = 4 * i;
    key[i] = b | (b + 1) << 8 | (b + 2) << 16 | (b + 3) << 24;
  }
  const ChaChaBlock block = chacha20_block(key, 1, {0x09000000, 0x4a000000, 0x00000000});
  const ChaChaBlock expected = {0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3,
                                0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
                                0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9,
                                0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2};
  CHECK(block == expected);
}

TEST_CASE("equal seeds give equal streams, different ones do not, and no block comes twice") {
  const auto stream = [](unsigned char seed) {
    Generator generator;
    const std::array<std::byte, 40> bytes{std::byte{seed}};
    generator.mix(bytes);
    std::vector<std::byte> out(8000);
    generator.fill(out);
    return out;
  };
  CHECK(stream(1) == stream(1));
  CHECK(stream(1) != stream(2));
  const auto bytes = stream(3);
  std::set<std::vector<std::byte>> blocks;
  for (size_t i = 0; i < bytes.size(); i += 32)
    CHECK(blocks.insert({bytes.begin() + long(i), bytes.begin() + long(i) + 32}).second);
}

TEST_CASE("bytes are spread evenly") {
  Generator generator;
  std::vector<unsigned char> out(1 << 20);
  generator.fill(std::as_writable_bytes(std::span(out)));
  std::array<double, 256> count{};
  for (const unsigned char byte : out) ++count[byte];
  double chi = 0;
  for (const double n : count) chi += (n - 4096) * (n - 4096) / 4096;
  CHECK(chi <
        400);  // 255 degrees of freedom: 0.00001 % of good generators exceed it; the seed is fixed
}

TEST_CASE("filling in pieces of odd sizes stays in bounds") {
  Generator generator;
  for (size_t size = 0; size < 100; ++size) {
    std::vector<std::byte> out(size);
    generator.fill(out);
  }
  generator.mix({});
}
