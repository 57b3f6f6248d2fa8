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

TEST_CASE("IPv6 addresses") {
  const auto check = [](std::string_view text, uint64_t upper, uint64_t lower) {
    CAPTURE(text);
    const auto address = parse_address6(text);
    REQUIRE(address);
    CHECK(*address == IpAddress::of_v6(upper, lower));
  };
  check("::", 0, 0);
  check("::1", 0, 1);
  check("fe80::", 0xfe80'0000'0000'0000, 0);
  check("2001:db8::A:0:2", 0x2001'0db8'0000'0000, 0x0000'000a'0000'0002);
  check("1:2:3:4:5:6:7:8", 0x0001'0002'0003'0004, 0x0005'0006'0007'0008);
  check("1::3:4:5:6:7:8", 0x0001'0000'0003'0004, 0x0005'0006'0007'0008);
  check("::2:3:4:5:6:7:8", 0x0000'0002'0003'0004, 0x0005'0006'0007'0008);
  for (const std::string_view wrong :
       {"", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::",
        "1:", ":1", "::1:", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "::10.9.0.2", "fe80::1%2"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_address6(wrong));
  }
  CHECK(parse_host_prefix6("2001:db8::2/64")->length == 64);
  for (const std::string_view wrong : {"2001:db8::2", "2001:db8::2/129", "2001:db8::2/0", "::/64",
                                       "::1/128", "ff02::1/64", "fe80::1/64", "2001:db8::2/64x"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_host_prefix6(wrong));
  }
}

}  // namespace
}  // namespace plumbline::net
