#include "core/byte_order.hh"

#include <doctest/doctest.h>

using namespace plumbline;

TEST_CASE("network order in memory, machine order in the program") {
  const Be32 value = 0x01020304u;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&value);
  CHECK(bytes[0] == 1);
  CHECK(bytes[3] == 4);
  CHECK(value.get() == 0x01020304u);
  CHECK(Be16::from_raw(Be16(0x1234).raw()).get() == 0x1234);
  CHECK(Be64(0x0102030405060708u).get() == 0x0102030405060708u);
}

TEST_CASE("unaligned loads and stores") {
  unsigned char buffer[16] = {};
  for (int at = 0; at < 8; ++at) {
    store_be64(buffer + at, 0x1122334455667788u);
    CHECK(buffer[at] == 0x11);
    CHECK(load_be64(buffer + at) == 0x1122334455667788u);
    CHECK(load_le64(buffer + at) == 0x8877665544332211u);
    CHECK(load_be16(buffer + at) == 0x1122);
    CHECK(load_be32(buffer + at) == 0x11223344u);
    store_le32(buffer + at, 0xa0b0c0d0u);
    CHECK(buffer[at] == 0xd0);
  }
}
