#include "net/tcp/syn_cookie.hh"

#include <doctest/doctest.h>

#include <random>

namespace plumbline::net::tcp {
namespace {

const Secrets kSecrets{SipHashKey{{3, 4}}};

FlowKey test_key(uint16_t port = 4000) {
  FlowKey key;
  key.local = IpAddress::of(Ipv4Address::of(10, 9, 0, 2));
  key.remote = IpAddress::of(Ipv4Address::of(10, 9, 0, 1));
  key.local_port = 80;
  key.remote_port = port;
  return key;
}

TEST_CASE("a cookie brings the peer's MSS back, never more than it was") {
  std::mt19937 random(1);
  for (unsigned mss = 128; mss < 9500; ++mss) {
    const Sequence peer{static_cast<uint32_t>(random())};
    const Nanoseconds now = nanoseconds(random() * uint64_t{1'000'000});
    const auto cookie =
        SynCookie::make(kSecrets, test_key(), peer, static_cast<uint16_t>(mss), now);
    REQUIRE(cookie);
    const auto back = SynCookie::check(kSecrets, test_key(), peer, *cookie, now + seconds(30));
    REQUIRE(back);
    CHECK(*back <= mss);
    // Not much less, either, for what peers really have.
    if (mss >= 1220 && mss <= 1500) CHECK(*back + 80 > mss);
  }
  CHECK(*SynCookie::check(kSecrets, test_key(), {7},
                          *SynCookie::make(kSecrets, test_key(), {7}, 1460, seconds(1)),
                          seconds(1)) == 1460);
  CHECK(!SynCookie::make(kSecrets, test_key(), {7}, 127, seconds(1)));
}

TEST_CASE("a cookie is good for its ends, its peer's number, and one to two minutes") {
  const Nanoseconds now = seconds(64'000);
  const Sequence cookie = *SynCookie::make(kSecrets, test_key(), {7}, 1460, now);
  CHECK(SynCookie::check(kSecrets, test_key(), {7}, cookie, now + seconds(127)));
  CHECK(!SynCookie::check(kSecrets, test_key(), {7}, cookie, now + seconds(128)));
  CHECK(!SynCookie::check(kSecrets, test_key(), {7}, cookie, now - nanoseconds(1)));
  CHECK(!SynCookie::check(kSecrets, test_key(), {8}, cookie, now));
  CHECK(!SynCookie::check(kSecrets, test_key(4001), {7}, cookie, now));
  CHECK(!SynCookie::check(Secrets{SipHashKey{{3, 5}}}, test_key(), {7}, cookie, now));
  // After 32 minutes the number of minutes comes again, not the hash.
  CHECK(!SynCookie::check(kSecrets, test_key(), {7}, cookie, now + seconds(64 * 32)));
}

TEST_CASE("of all sequence numbers a handful is good") {
  // 2^32 numbers would take minutes; a slice that holds a good one, and random ones.
  const Nanoseconds now = seconds(1000);
  const Sequence cookie = *SynCookie::make(kSecrets, test_key(), {7}, 1460, now);
  unsigned good = 0;
  for (uint32_t i = 0; i < 200'000; ++i)
    good += SynCookie::check(kSecrets, test_key(), {7}, cookie - 100'000 + i, now).has_value();
  CHECK(good == 8);
  std::mt19937 random(5);
  good = 0;
  for (uint32_t i = 0; i < 1'000'000; ++i)
    good += SynCookie::check(kSecrets, test_key(), {7}, {static_cast<uint32_t>(random())}, now)
                .has_value();
  CHECK(good <= 1);
}

TEST_CASE("the timestamp carries what was agreed, and is not later than the clock") {
  for (int scale = -1; scale <= 14; ++scale) {
    for (const bool selective : {false, true}) {
      for (const bool ecn : {false, true}) {
        for (const uint32_t clock : {0U, 5U, 63U, 64U, 1'000'000U, 0xffff'ffffU}) {
          Handshake agreed;
          agreed.send_scale = static_cast<int8_t>(scale);
          agreed.selective = selective;
          agreed.ecn = ecn;
          const uint32_t timestamp = SynCookie::timestamp(agreed, clock);
          CHECK(clock - timestamp < 64);
          Handshake back;
          REQUIRE(SynCookie::read_timestamp(timestamp, clock + 1000, back));
          CHECK(back.send_scale == scale);
          CHECK(back.selective == selective);
          CHECK(back.ecn == ecn);
          CHECK(!SynCookie::read_timestamp(timestamp, clock + 130'000, back));
          CHECK(!SynCookie::read_timestamp(clock + 1, clock, back));
        }
      }
    }
  }
}

}  // namespace
}  // namespace plumbline::net::tcp
