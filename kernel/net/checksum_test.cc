#include "net/checksum.hh"

#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "core/byte_order.hh"
#include "net/wire/ipv4.hh"

namespace plumbline::net {
namespace {

// RFC 1071, section 4.1, word by word in network order.
uint16_t slow_checksum(std::span<const std::byte> bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    sum += static_cast<uint32_t>(bytes[i]) << 8;
    if (i + 1 < bytes.size()) sum += static_cast<uint32_t>(bytes[i + 1]);
  }
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

TEST_CASE("RFC 1071's example") {
  const uint8_t raw[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  CHECK(byte_swap(fold_sum(sum_bytes(std::as_bytes(std::span(raw))))) == 0xddf2);
}

TEST_CASE("every length and alignment agrees with the word by word sum") {
  std::mt19937_64 random(7);
  std::vector<std::byte> data(300);
  for (int round = 0; round < 50; ++round) {
    // Many 0xff bytes: carries everywhere.
    for (auto& byte : data)
      byte = static_cast<std::byte>(random() % 3 == 0 ? 0xff : random() & 0xff);
    for (size_t start = 0; start < 9; ++start)
      for (size_t length = 0; length + start <= 140; ++length) {
        const std::span<const std::byte> bytes(data.data() + start, length);
        REQUIRE(byte_swap(internet_checksum(bytes)) == slow_checksum(bytes));
      }
  }
}

TEST_CASE("sums continue over pieces of even length") {
  std::vector<std::byte> data(101, std::byte{0xab});
  const std::span<const std::byte> all(data);
  CHECK(finish_checksum(sum_bytes(all.subspan(36), sum_bytes(all.first(36)))) ==
        internet_checksum(all));
}

TEST_CASE("incremental update equals a new sum (RFC 1624)") {
  std::mt19937_64 random(3);
  std::vector<std::byte> data(40);
  for (int round = 0; round < 20000; ++round) {
    for (auto& byte : data)
      byte = static_cast<std::byte>(random() % 4 == 0 ? 0xff : random() % 4 == 0 ? 0 : random());
    // The checksum field itself is in the data, as in a real header, so sums of zero do not occur.
    store_native16(data.data() + 10, 0);
    data[0] = std::byte{0x45};
    store_native16(data.data() + 10, internet_checksum(data));
    const uint16_t before = load_native16(data.data() + 20);
    const auto after = static_cast<uint16_t>(random());
    const uint16_t updated = update_checksum(load_native16(data.data() + 10), before, after);
    store_native16(data.data() + 20, after);
    store_native16(data.data() + 10, updated);
    REQUIRE(internet_checksum(data) == 0);
  }
}

TEST_CASE("the pseudo header's sum") {
  const auto source = Ipv4Address::of(192, 168, 255, 254);
  const auto destination = Ipv4Address::of(255, 1, 2, 3);
  std::byte raw[12];
  store_be32(raw, source.value);
  store_be32(raw + 4, destination.value);
  raw[8] = std::byte{0};
  raw[9] = std::byte{17};
  store_be16(raw + 10, 0xfff1);
  CHECK(fold_sum(pseudo_header_sum(source, destination, 17, 0xfff1)) == fold_sum(sum_bytes(raw)));
}

}  // namespace
}  // namespace plumbline::net
