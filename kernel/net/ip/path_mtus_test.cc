#include "net/ip/path_mtus.hh"

#include <doctest/doctest.h>

namespace plumbline::net {
namespace {

IpAddress host(uint64_t number) { return IpAddress::of_v6(0x2001'0db8'0000'0000, number); }

TEST_CASE("a path gets narrower, never wider, until it is forgotten") {
  PathMtus mtus;
  CHECK(mtus.find(host(1), 1500, 0) == 1500);
  mtus.note(host(1), 1400, 100);
  CHECK(mtus.find(host(1), 1500, 100) == 1400);
  CHECK(mtus.find(host(2), 1500, 100) == 1500);
  CHECK(mtus.find(host(1), 1300, 100) == 1300);
  mtus.note(host(1), 1450, 200);
  CHECK(mtus.find(host(1), 1500, 200) == 1400);
  CHECK(mtus.find(host(1), 1500, 100 + PathMtus::kLifetime) == 1500);
  mtus.note(host(1), 1450, 100 + PathMtus::kLifetime);
  CHECK(mtus.find(host(1), 1500, 100 + PathMtus::kLifetime) == 1450);
}

TEST_CASE("nobody makes packets smaller than they must be able to get") {
  PathMtus mtus;
  mtus.note(host(1), 100, 0);
  CHECK(mtus.find(host(1), 1500, 0) == 1280);
  const IpAddress v4 = IpAddress::of(Ipv4Address::of(192, 0, 2, 1));
  mtus.note(v4, 68, 0);
  CHECK(mtus.find(v4, 1500, 0) == 552);
}

TEST_CASE("when there are too many, the oldest goes") {
  PathMtus mtus;
  for (uint64_t i = 0; i <= PathMtus::kEntries; ++i) mtus.note(host(i), 1300, i + 1);
  CHECK(mtus.find(host(0), 1500, 100) == 1500);
  for (uint64_t i = 1; i <= PathMtus::kEntries; ++i) CHECK(mtus.find(host(i), 1500, 100) == 1300);
  mtus.clear();
  CHECK(mtus.find(host(1), 1500, 100) == 1500);
}

}  // namespace
}  // namespace plumbline::net
