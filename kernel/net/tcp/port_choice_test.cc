#include "net/tcp/port_choice.hh"

#include <doctest/doctest.h>

#include <set>

namespace plumbline::net::tcp {
namespace {

FlowKey peer(uint8_t last, uint16_t port = 80) {
  FlowKey key;
  key.local = IpAddress::of(Ipv4Address::of(10, 9, 0, 2));
  key.remote = IpAddress::of(Ipv4Address::of(10, 9, 0, last));
  key.remote_port = port;
  return key;
}

TEST_CASE("ranges of several stacks are disjoint and cover everything") {
  std::set<uint16_t> all;
  for (uint16_t stack = 0; stack < 3; ++stack) {
    const PortRange range{1000, 1009, stack, 3};
    for (uint32_t i = 0; i < range.size(); ++i) {
      CHECK(range.port(i) % 3 == stack);
      CHECK(all.insert(range.port(i)).second);
    }
  }
  CHECK(all.size() == 10);
  CHECK(*all.begin() == 1000);
  CHECK(*all.rbegin() == 1009);
  CHECK(PortRange{5, 5, 1, 3}.size() == 0);
  CHECK(PortRange{65535, 65535, 0, 1}.port(0) == 65535);
  CHECK(PortRange{}.size() == 28'232);
}

TEST_CASE("all ports of a range come before one comes again") {
  Secrets secrets{SipHashKey{{1, 2}}};
  PortChoice choice(secrets);
  const PortRange range{40'000, 40'999, 0, 1};
  for (int round = 0; round < 3; ++round) {
    std::set<uint16_t> seen;
    for (int i = 0; i < 1000; ++i)
      CHECK(seen.insert(*choice.choose(peer(1), range, 0, [](uint16_t) { return true; })).second);
    CHECK(*seen.begin() == 40'000);
    CHECK(*seen.rbegin() == 40'999);
  }
}

TEST_CASE("series of different peers and secrets do not start alike") {
  std::set<uint16_t> starts;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Secrets secrets{SipHashKey{{seed, 0}}};
    PortChoice choice(secrets);
    for (uint8_t last = 1; last <= 10; ++last)
      starts.insert(*choice.choose(peer(last), {}, 0, [](uint16_t) { return true; }));
  }
  CHECK(starts.size() > 95);
}

TEST_CASE("used ports are passed over; exhaustion is found once, until a connection ends") {
  Secrets secrets{SipHashKey{{1, 2}}};
  PortChoice choice(secrets);
  const PortRange range{40'000, 40'999, 0, 1};
  CHECK(choice.choose(peer(1), range, 0, [](uint16_t port) { return port == 40'123; }) == 40'123);
  unsigned asked = 0;
  const auto none = [&](uint16_t) {
    ++asked;
    return false;
  };
  CHECK(!choice.choose(peer(1), range, 5, none));
  CHECK(asked == 1000);
  CHECK(!choice.choose(peer(1), range, 5, none));
  CHECK(asked == 1000);
  CHECK(choice.choose(peer(2), range, 5, [](uint16_t) { return true; }));
  CHECK(choice.choose(peer(1), range, 6, [](uint16_t) { return true; }));
}

}  // namespace
}  // namespace plumbline::net::tcp
