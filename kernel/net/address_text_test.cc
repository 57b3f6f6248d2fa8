#include "net/address_text.hh"

#include <doctest/doctest.h>

namespace plumbline::net {
namespace {

TEST_CASE("addresses") {
  CHECK(parse_address("10.9.0.2") == Ipv4Address::of(10, 9, 0, 2));
  CHECK(parse_address("255.255.255.255") == Ipv4Address{0xffffffff});
  for (const char* wrong : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.", "01.2.3.4", "a.b.c.d",
                            " 1.2.3.4", "1.2.3.4 ", "1..2.3", "1.2.3.1000", "-1.2.3.4"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_address(wrong));
  }
}

TEST_CASE("prefixes of hosts") {
  const auto prefix = parse_host_prefix("10.9.0.2/24");
  REQUIRE(prefix);
  CHECK(prefix->contains(Ipv4Address::of(10, 9, 0, 255)));
  CHECK_FALSE(prefix->contains(Ipv4Address::of(10, 9, 1, 2)));
  CHECK(prefix->is_broadcast(Ipv4Address::of(10, 9, 0, 255)));
  CHECK(parse_host_prefix("10.0.0.0/31"));
  CHECK(parse_host_prefix("10.0.0.1/32"));
  for (const char* wrong :
       {"10.9.0.2", "10.9.0.2/", "10.9.0.2/33", "10.9.0.2/0", "10.9.0.0/24", "10.9.0.255/24",
        "127.0.0.1/8", "224.0.0.1/24", "0.0.0.0/24", "10.9.0.2/24x"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_host_prefix(wrong));
  }
}

}  // namespace
}  // namespace plumbline::net
